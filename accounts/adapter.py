"""Hooks by which allauth uses this project's accounts."""

import logging
from contextlib import suppress
from dataclasses import replace
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.core.exceptions import ImmediateHttpResponse
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from accounts.access_log import note
from accounts.account_mail import letter_from_text
from accounts.background_mail import send_soon
from accounts.mail_budget import MailBudgetUsed, count_code, count_mail, count_reset
from accounts.networks import network_of
from accounts.recent_sign_in import signed_in_recently
from accounts.sign_up_again import apply_choices, forget_choices
from common.letters import message_of

# allauth's mails that anybody can have sent to anybody; all others are notices to the owner of an account.
RESETS = {"password_reset_code", "password_reset_key", "unknown_account"}
CODES = {"email_confirmation", "email_confirmation_signup", "account_already_exists", "login_code"}


class AccountAdapter(DefaultAccountAdapter):
    """Keeps e-mails in lower case, and tells a person of each change of access at every address of theirs."""

    def save_user(self, request: HttpRequest, user: Any, form: Any, commit: bool = True) -> Any:
        """Fill a user from the sign-up form."""
        user = super().save_user(request, user, form, commit=False)
        user.email = user.email.lower()
        if commit:
            user.save()
        return user

    def pre_login(self, request: HttpRequest, user: Any, *, signup: bool, **kwargs: Any) -> HttpResponse | None:
        """Begin to sign a person in, or answer why not."""
        if not signup:
            forget_choices(request)
        refusal: HttpResponse | None = super().pre_login(request, user, signup=signup, **kwargs)
        return refusal

    def login(self, request: HttpRequest, user: Any) -> None:
        """Sign a person in; the first time with what this browser chose in signing up."""
        apply_choices(request, user=user)
        super().login(request, user)

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count a try. Raises ValidationError after too many."""
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError:
            note("sign-in refused after too many tries", level=logging.WARNING)
            raise

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send a mail beside the request. Raises ImmediateHttpResponse where the receiver's of the day are used up."""
        try:
            self._count_mail(template_prefix, email)
        except MailBudgetUsed as error:
            raise ImmediateHttpResponse(render(self.request, "429.html", {"exception": error}, status=429)) from error
        send_soon(self.render_mail(template_prefix, email, {"request": self.request, "email": email, **context}))

    def render_mail(
        self, template_prefix: str, email: str | list[str], context: dict[str, Any], headers: Any = None
    ) -> EmailMessage:
        """Return a mail of allauth's in the design of all mails."""
        written = super().render_mail(template_prefix, email, context, headers)
        letter = letter_from_text(subject=str(written.subject), text=str(written.body))
        return message_of(replace(letter, headers=headers or {}), to=written.to[0])

    def _count_mail(self, template_prefix: str, email: str) -> None:
        """Count a mail. Raises MailBudgetUsed.

        A code sent again, which a page does twice at most, is not counted: for a known address none is sent, and the
        limit would tell.
        """
        if self.request.resolver_match and self.request.resolver_match.url_name == "account_email_verification_sent":
            return
        now, name = timezone.now(), template_prefix.rpartition("/")[2]
        if name in RESETS:
            count_reset(email=email, network=network_of(self.request), now=now)
        elif name in CODES:
            count_code(email=email, network=network_of(self.request), now=now)
        else:
            with suppress(MailBudgetUsed):
                count_mail(email=email, now=now)

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Ask for the password again, unless the person signed in just now."""
        required: bool = super().is_reauthentication_required(app=app, **kwargs)
        return required and not signed_in_recently(self.request)

    def send_notification_mail(
        self, template_prefix: str, user: Any, context: dict[str, Any] | None = None, email: str | None = None
    ) -> None:
        """Send the notice to all verified addresses, and to the one just removed or replaced.

        allauth tells the primary address alone, which a thief would change first.
        """
        context = context or {}
        verified = EmailAddress.objects.filter(user=user, verified=True).values_list("email", flat=True)
        addresses = {*verified, email or user.email, context.get("deleted_email")} - {context.get("added_email")}
        for address in sorted(filter(None, addresses)):
            super().send_notification_mail(template_prefix, user, context, email=address)

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Count wrong passwords by address and network: a stranger's guesses must not lock the owner out elsewhere."""
        key: str = super()._get_login_attempts_cache_key(request, **credentials)
        return f"{network_of(request)}:{key}"
