"""Finding the organizations that are to be told of the end of a model."""

from datetime import datetime

from django.db import transaction

from billing.mail.prices import tell_of_model_retirement
from billing.models import DailyUsage, ModelRetirement
from billing.plans.retirements import USED_WITHIN


@transaction.atomic
def tell_of_retirements(*, now: datetime) -> None:
    """Have everybody told who used a model of late that is to retire, once for each date. `now` is billing time."""
    for retirement in ModelRetirement.objects.filter(retires_at__gt=now).order_by("id"):
        used = DailyUsage.objects.filter(model=retirement.model, day__gte=(now - USED_WITHIN).date())
        tell_of_model_retirement(
            organization_ids=used.values_list("organization_id", flat=True).distinct(),
            model=retirement.model,
            retires_at=retirement.retires_at,
            successor=retirement.successor,
            leads_there=retirement.leads_to_successor,
        )
