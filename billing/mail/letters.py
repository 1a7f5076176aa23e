"""The letter of a notice to one person: its kind's words, why it came, and how to end that."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.urls import reverse

from billing.mail import cards, invoices, late_usage, plans, prices, spending, trial, webhooks
from billing.mail.choice_links import choice_token
from billing.mail.kinds import EVERYBODY, kind_of
from billing.mail.notices import Kind
from billing.models import NoticeMail
from common.letters import Letter

COMPOSERS: Mapping[str, Callable[[Mapping[str, Any]], Letter]] = {
    Kind.SPENDING_CAP: spending.cap_letter,
    Kind.UNUSUAL_SPENDING: spending.unusual_letter,
    Kind.TRIAL: trial.trial_letter,
    Kind.PAYMENT_FAILED: invoices.payment_failed_letter,
    Kind.PAYMENT_MENDED: invoices.payment_mended_letter,
    Kind.CARD_EXPIRES: cards.card_letter,
    Kind.PLAN_CHANGED: plans.plan_letter,
    Kind.PRICE_CHANGE: prices.price_change_letter,
    Kind.MODEL_RETIRES: prices.retirement_letter,
    Kind.USAGE_LATE: late_usage.late_usage_letter,
    Kind.INVOICE_READY: invoices.invoice_letter,
    Kind.WEBHOOK_OFF: webhooks.endpoint_off_letter,
}


def letter_of(mail: NoticeMail) -> Letter:
    """Compose the letter of a mail. Its Message-ID is the same at each attempt, so that mail programs show one."""
    notice, kind = mail.notice, kind_of(mail.notice.kind)
    letter = COMPOSERS[notice.kind]({**notice.facts, "organization": notice.organization.name})
    people = "the people" if kind.roles == EVERYBODY else "owners and admins"
    reason = f"This mail goes to {people} of {notice.organization.name} on rgent."
    host = urlsplit(settings.PUBLIC_URL).hostname
    headers = {"Message-ID": f"<rgent-notice-{notice.pk}-{mail.user_id}@{host}>"}
    if kind.mandatory:
        return replace(letter, reason=f"{reason} It cannot be turned off.", headers=headers)
    token = choice_token(user_id=mail.user_id, kind=kind.kind)
    address = f"{settings.PUBLIC_URL}{reverse('turn_off_mail', kwargs={'choice': token})}"
    # One-click unsubscribing: https://www.rfc-editor.org/rfc/rfc8058
    headers |= {"List-Unsubscribe": f"<{address}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    return replace(letter, reason=reason, unsubscribe=address, headers=headers)
