"""The mail that tells owners and admins how much of a spending cap is used."""

import logging

from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.urls import reverse

from accounts.models import Membership
from billing.caps.use import USED_UP
from billing.models import SpendingAlert
from billing.money import format_exact

logger = logging.getLogger(__name__)

MANAGERS = (Membership.Role.OWNER, Membership.Role.ADMIN)


class AlertNotMailed(Exception):
    """No owner or admin could be written to."""


def mail_alert(alert: SpendingAlert) -> None:
    """Send an alert to every owner and admin, a mail to each. Raises AlertNotMailed if none could be sent.

    One refused address neither keeps the others from their mail nor has them written to twice.
    """
    sent = [_send(alert, address=address) for address in _managers_of(alert.organization_id)]
    if sent and not any(sent):
        raise AlertNotMailed(f"Alert {alert.id} could not be mailed to anybody.")


def _send(alert: SpendingAlert, *, address: str) -> bool:
    key = alert.api_key
    page = reverse("key", kwargs={"api_key_id": key.id}) if key else reverse("billing")
    context = {
        "organization": alert.organization.name,
        "key": f"{key.name} ({key.hint})" if key else "",
        "percent": alert.percent,
        "used_up": alert.percent >= USED_UP,
        "spent": format_exact(alert.spent_minor),
        "cap": format_exact(alert.cap_minor),
        "url": f"{settings.PUBLIC_URL}{page}",
    }
    subject = render_to_string("billing/alert_subject.txt", context)
    body = render_to_string("billing/alert_mail.txt", context)
    try:
        send_mail(" ".join(subject.split()), body, None, [address])
    except OSError as error:  # smtplib's errors are of this kind
        logger.warning("an alert could not be mailed", extra={"alert_id": alert.id, "error": str(error)})
        return False
    return True


def _managers_of(organization_id: int) -> list[str]:
    managers = Membership.objects.filter(organization_id=organization_id, role__in=MANAGERS, user__is_active=True)
    return list(managers.order_by("id").values_list("user__email", flat=True))
