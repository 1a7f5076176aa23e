"""Reactions to sign-ins and to changes of access: they are remembered, logged, and told to the person by mail."""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from allauth.account.signals import email_added
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest

from accounts.models import User
from accounts.recent_sign_in import note_sign_in


@receiver(user_logged_in)
def remember_sign_in(sender: type[User], request: HttpRequest, user: User, **kwargs: Any) -> None:
    """Keep when the session began."""
    note_sign_in(request)


@receiver(email_added)
def tell_of_added_address(
    sender: type[EmailAddress], request: HttpRequest, user: User, email_address: EmailAddress, **kwargs: Any
) -> None:
    """Tell the person at their other addresses that one more can sign in and reset the password."""
    get_adapter().send_notification_mail("account/email/email_confirm", user, {"added_email": email_address.email})
