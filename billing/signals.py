"""Signals: a new organization gets its billing account, a confirmed address its trial, and an invoice its mails.

Of a person who closes their account the mails are forgotten.
"""

from typing import Any

from allauth.account.models import EmailAddress
from allauth.account.signals import email_confirmed
from django.db.models.signals import post_save
from django.dispatch import receiver
from djstripe.models import Invoice

from accounts.closing import person_forgotten
from accounts.models import Membership, Organization, User
from billing.mail.invoices import tell_of_invoice
from billing.models import NoticeMail
from billing.subscriptions.state import open_billing_account
from billing.subscriptions.trial_grants import claim_trial
from common import clock


@receiver(post_save, sender=Organization, dispatch_uid="billing.open_billing_account")
def organization_saved(instance: Organization, created: bool, raw: bool, **kwargs: Any) -> None:
    """Open the billing account of a new organization in the same transaction. Fixtures bring their own."""
    if created and not raw:
        open_billing_account(organization=instance, now=clock.now())


@receiver(email_confirmed, dispatch_uid="billing.claim_trial")
def address_confirmed(email_address: EmailAddress, **kwargs: Any) -> None:
    """Claim the trial of a confirmed address for the organizations of its owner, the first of them first."""
    owned = Membership.objects.filter(user_id=email_address.user_id, role=Membership.Role.OWNER)
    for organization_id in owned.order_by("id").values_list("organization_id", flat=True):
        claim_trial(organization_id=organization_id, email=email_address.email, now=clock.now())


@receiver(post_save, sender=Invoice, dispatch_uid="billing.tell_of_invoice")
def invoice_stored(instance: Invoice, raw: bool, **kwargs: Any) -> None:
    """Have the organization told what is new of an invoice that dj-stripe has stored, from whatever source."""
    if not raw:
        tell_of_invoice(instance.stripe_data, now=clock.last_known())  # dj-stripe's transaction may be open


@receiver(person_forgotten, dispatch_uid="billing.forget_mails")
def forget_mails(user: User, **kwargs: Any) -> None:
    """Delete the mails of notices to a person, which tell what mail servers said of their address."""
    NoticeMail.objects.filter(user=user).delete()
