"""What Claude takes for usage, by the prices that an operator has entered."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from billing.models import ModelCost
from billing.money import EXACT
from billing.revenue.sums import UsageSum
from billing.tokens import TokenClass


@dataclass(slots=True)
class ClaudeCosts:
    """Claude's prices. `unknown` collects the models whose usage has a class without a price on its day."""

    _steps: dict[tuple[str, str], tuple[list[date], list[Decimal]]]
    unknown: set[str] = field(default_factory=set)

    @classmethod
    def read(cls) -> "ClaudeCosts":
        """Read the prices."""
        steps: dict[tuple[str, str], tuple[list[date], list[Decimal]]] = defaultdict(lambda: ([], []))
        for row in ModelCost.objects.order_by("valid_from", "id"):
            days, prices = steps[row.model, row.kind]
            days.append(row.valid_from)
            prices.append(row.unit_minor)
        return cls(dict(steps))

    def cost_minor(self, row: UsageSum, *, model: str, day: date, searches: int = 0) -> Decimal:
        """Return Claude's price of a day's usage in cents, with what was cut off unbilled and its web searches.

        Usage without a price costs nothing here, and its model is noted as unknown.
        """
        amounts = {kind.value: row.usage.tokens_of(kind) for kind in TokenClass}
        amounts[TokenClass.OUTPUT] += row.unbilled_output_tokens
        amounts[ModelCost.WEB_SEARCH] = searches
        return _total(self._priced(model, kind, day, amount) for kind, amount in amounts.items() if amount)

    def _priced(self, model: str, kind: str, day: date, amount: int) -> Decimal:
        days, prices = self._steps.get((model, kind), ([], []))
        place = bisect_right(days, day)
        if not place:
            self.unknown.add(model)
            return Decimal(0)
        return EXACT.multiply(prices[place - 1], amount)


def _total(amounts: Iterable[Decimal]) -> Decimal:
    total = Decimal(0)
    for amount in amounts:
        total = EXACT.add(total, amount)
    return total
