"""Retirements of models, as requests and pages need them: read at most once in REMEMBERED_S a process."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from billing.models import DailyUsage, ModelRetirement
from billing.plans.price_lists import REMEMBERED_S, models_of_account

# A successor may have retired itself. More steps than this are a circle.
MOST_STEPS = 10
# Organizations that used a model within this time are told of its end.
USED_WITHIN = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Retirement:
    """The end of a model. `leads_to` is the model that serves requests for it afterwards; empty where none does."""

    model: str
    retires_at: datetime
    successor: str
    leads_to: str

    def told(self, *, now: datetime) -> str:
        """Tell callers of it in a sentence: beforehand, and where a successor serves them afterwards."""
        on = f"{self.retires_at:%-d %b %Y}"
        if now < self.retires_at:
            then = f", and is served by {self.leads_to} from then on" if self.leads_to else ""
            return f"{self.model} retires on {on}{then}.{self.advice}"
        return f"{self.model} was retired on {on}{f' and is served by {self.leads_to}' if self.leads_to else ''}."

    @property
    def advice(self) -> str:
        """The successor as a sentence; empty where there is none, or requests are led to it."""
        return f" Use {self.successor} instead." if self.successor and not self.leads_to else ""


def retirement_of(model: str) -> Retirement | None:
    """Return the retirement of a model, planned or past; None if it stays. An admin's change shows within seconds."""
    return _retirements(int(time.monotonic() // REMEMBERED_S)).get(model)


def forget_retirements() -> None:
    """Forget what this process remembers, so that a change shows at once."""
    _retirements.cache_clear()


@lru_cache(maxsize=1)
def _retirements(turn: int) -> dict[str, Retirement]:
    return {
        row.model: Retirement(
            model=row.model,
            retires_at=row.retires_at,
            successor=row.successor,
            leads_to=row.successor if row.leads_to_successor else "",
        )
        for row in ModelRetirement.objects.order_by("id")
    }


def served_model(model: str, *, now: datetime) -> str:
    """Return the model that serves requests for `model` at `now`, in billing time: itself, or one that it leads to."""
    for _ in range(MOST_STEPS):
        retirement = retirement_of(model)
        if retirement is None or now < retirement.retires_at or not retirement.leads_to:
            break
        model = retirement.leads_to
    return model


def past_retirement(model: str, *, now: datetime) -> Retirement | None:
    """Return the retirement of a model that is served no more; None if it is."""
    retirement = retirement_of(model)
    return retirement if retirement and retirement.retires_at <= now else None


def in_service(models: Iterable[str], *, now: datetime) -> list[str]:
    """Leave out the models that are served no more."""
    return [model for model in models if past_retirement(model, now=now) is None]


def models_to_list(organization_id: int, now: datetime) -> list[str]:
    """Return the models of an organization's plan that are served."""
    return in_service(models_of_account(organization_id), now=now)


def retirements_ahead(*, organization_id: int, now: datetime) -> list[Retirement]:
    """Return the retirements to come of models that an organization used of late, the next first."""
    ahead = [each for each in _retirements(int(time.monotonic() // REMEMBERED_S)).values() if now < each.retires_at]
    if not ahead:
        return []
    used = DailyUsage.objects.filter(organization_id=organization_id, day__gte=(now - USED_WITHIN).date())
    models = set(used.filter(model__in=[each.model for each in ahead]).values_list("model", flat=True))
    return sorted((each for each in ahead if each.model in models), key=lambda each: each.retires_at)
