"""Signals: accounts, trials, mails and webhooks that follow what other apps and dj-stripe store."""

from datetime import datetime
from typing import Any

from allauth.account.models import EmailAddress
from allauth.account.signals import email_confirmed
from django.db.models.signals import post_save
from django.dispatch import receiver
from djstripe.models import Invoice

from accounts.api_keys import key_revoked
from accounts.closing import person_forgotten
from accounts.models import ApiKey, Membership, Organization, User
from billing.customer_webhooks.facts import tell_of_invoice_payment, tell_of_new_key, tell_of_revoked_keys
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
        now = clock.last_known()  # dj-stripe's transaction may be open
        tell_of_invoice(instance.stripe_data, now=now)
        tell_of_invoice_payment(instance.stripe_data, now=now)


@receiver(post_save, sender=ApiKey, dispatch_uid="billing.tell_of_new_key")
def key_saved(instance: ApiKey, created: bool, raw: bool, **kwargs: Any) -> None:
    """Have the customer's systems told of a new key, in its transaction."""
    if created and not raw:
        tell_of_new_key(instance)


@receiver(key_revoked, dispatch_uid="billing.tell_of_revoked_key")
def key_ended(api_key: ApiKey, now: datetime, **kwargs: Any) -> None:
    """Have the customer's systems told of a revoked key, in the transaction that revokes it."""
    tell_of_revoked_keys([api_key], now=now)


@receiver(person_forgotten, dispatch_uid="billing.forget_mails")
def forget_mails(user: User, **kwargs: Any) -> None:
    """Delete the mails of notices to a person, which tell what mail servers said of their address."""
    NoticeMail.objects.filter(user=user).delete()
