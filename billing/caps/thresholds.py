"""Alert thresholds: the shares of a cap that an organization chose, and the caps that have reached one."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from accounts.models import Organization
from billing.caps.use import USED_UP, used_percent
from billing.models import AlertThresholds, BillingAccount, Budget, KeyBudget, PartBudget, ProjectBudget
from billing.models.part_budget import in_periods_of
from billing.models.spending_alert import DEFAULT_PERCENTS
from billing.money import plain

# As many thresholds as a form or a call may set.
MOST_THRESHOLDS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ReachedThreshold:
    """The highest threshold that a cap has reached; 0 where it reached none and is used up.

    Without a key and a project it is the organization's cap.
    """

    organization_id: int
    api_key_id: int | None
    project_id: int | None
    spending_starts_at: datetime
    cap_minor: Decimal
    spent_minor: Decimal
    percent: int
    used_up: bool

    @property
    def cap(self) -> tuple[object, ...]:
        """The identity of the cap: its owner, amount and period."""
        return self.organization_id, self.api_key_id, self.project_id, self.spending_starts_at, self.cap_minor


def percents_of(organization: Organization) -> list[int]:
    """Return the percents of a cap at which an organization wants alerts, ascending.

    They come from the row that was read with the organization; else by a query.
    """
    chosen: AlertThresholds | None = getattr(organization, "alert_thresholds", None)
    return list(chosen.percents if chosen else DEFAULT_PERCENTS)


def set_percents(*, organization_id: int, percents: Iterable[int]) -> None:
    """Set the percents of a cap at which an organization wants alerts; none for no alerts."""
    wanted = sorted(set(percents))
    AlertThresholds.objects.update_or_create(organization_id=organization_id, defaults={"percents": wanted})


def reached_thresholds(accounts: Sequence[BillingAccount], *, now: datetime) -> Iterator[ReachedThreshold]:
    """Yield the caps of accounts, their keys and their projects that have reached a threshold or are used up.

    `now` is billing time.
    """
    organization_ids = [account.organization_id for account in accounts]
    chosen = AlertThresholds.objects.filter(organization_id__in=organization_ids)
    percents = dict(chosen.values_list("organization_id", "percents"))
    for account, budget in _budgets(accounts, now=now):
        used = used_percent(budget=budget, account=account)
        wanted = percents.get(account.organization_id, DEFAULT_PERCENTS)
        percent = max((each for each in wanted if each <= used), default=0)
        # A cap with nothing spent was set too low for any request. Its owner knows that.
        if (percent or used >= USED_UP) and budget.spent_minor and budget.cap_minor is not None:
            yield ReachedThreshold(
                organization_id=account.organization_id,
                api_key_id=budget.api_key_id if isinstance(budget, KeyBudget) else None,
                project_id=budget.project_id if isinstance(budget, ProjectBudget) else None,
                spending_starts_at=budget.spending_starts_at,
                # On SQLite the amount is text and part of the alert's unique key, so it needs one form.
                cap_minor=plain(budget.cap_minor),
                spent_minor=budget.spent_minor,
                percent=percent,
                used_up=used >= USED_UP,
            )


def _budgets(accounts: Sequence[BillingAccount], *, now: datetime) -> Iterator[tuple[BillingAccount, Budget]]:
    owners = {account.organization_id: account for account in accounts}
    for account in accounts:
        account.enter_period(now=now)
        yield account, account
    capped = [account.organization_id for account in accounts if account.has_key_caps]
    of_keys = KeyBudget.objects.filter(api_key__organization_id__in=capped).select_related("api_key")
    of_projects = ProjectBudget.objects.filter(project__organization_id__in=capped).select_related("project")
    parts: list[PartBudget] = [*of_keys, *of_projects]
    for budget in in_periods_of(owners, parts):
        yield owners[budget.organization_id], budget
