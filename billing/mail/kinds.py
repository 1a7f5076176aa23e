"""The kinds of mail: their receivers, and whether a person may turn them off."""

from dataclasses import dataclass

from accounts.models import Membership
from billing.models import Notice

Kind, Role = Notice.Kind, Membership.Role
MANAGERS = (Role.OWNER, Role.ADMIN)
EVERYBODY = (Role.OWNER, Role.ADMIN, Role.MEMBER)


@dataclass(frozen=True, slots=True, kw_only=True)
class KindOfMail:
    """A kind of mail, as the page of choices tells it. A mandatory one cannot be turned off."""

    kind: Notice.Kind
    tells: str
    roles: tuple[Membership.Role, ...] = MANAGERS
    mandatory: bool = False


# In the order of the page.
KINDS_OF_MAIL = (
    KindOfMail(kind=Kind.PAYMENT_FAILED, tells="A payment failed, or the plan is suspended for it.", mandatory=True),
    KindOfMail(kind=Kind.PAYMENT_MENDED, tells="An invoice whose payment had failed is paid."),
    KindOfMail(kind=Kind.CARD_EXPIRES, tells="The card that pays expires within a month."),
    KindOfMail(kind=Kind.INVOICE_READY, tells="An invoice is ready."),
    KindOfMail(kind=Kind.SPENDING_CAP, tells="A share of a spending cap is used, at the shares your team chose."),
    KindOfMail(kind=Kind.UNUSUAL_SPENDING, tells="Far more is spent on a day than usual."),
    KindOfMail(kind=Kind.TRIAL, tells="The free trial is nearly used, or used up."),
    KindOfMail(kind=Kind.PLAN_CHANGED, tells="The plan began, was switched, will end or has ended."),
    KindOfMail(kind=Kind.PRICE_CHANGE, tells="Prices of your plan are about to change."),
    KindOfMail(kind=Kind.MODEL_RETIRES, tells="A model is about to retire.", roles=EVERYBODY),
    KindOfMail(kind=Kind.WEBHOOK_OFF, tells="A webhook of yours is switched off, as it failed for days."),
    KindOfMail(kind=Kind.USAGE_LATE, tells="Usage was recorded too late for its own invoice."),
)
BY_KIND = {each.kind: each for each in KINDS_OF_MAIL}


def kind_of(value: str) -> KindOfMail:
    """Return a kind of mail by the value that tables hold."""
    return BY_KIND[Notice.Kind(value)]
