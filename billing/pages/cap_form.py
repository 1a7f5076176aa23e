"""The form of an organization's spending cap and of its alert thresholds."""

import re
from decimal import Decimal
from typing import Any

from django import forms

from billing.caps.thresholds import MOST_THRESHOLDS
from billing.money import MAX_DECIMALS, plain, to_cents, to_dollars


class SpendingCapForm(forms.Form):
    """A cap in dollars, and percents of it."""

    cap = forms.DecimalField(
        required=False,
        min_value=0,
        max_digits=28,
        decimal_places=MAX_DECIMALS + 2,
        label="Spending cap, $ a billing period",
        help_text="For tokens; the plan's base is apart. A request that could pass it is refused.",
        widget=forms.TextInput(attrs={"inputmode": "decimal", "placeholder": "No cap", "autocomplete": "off"}),
    )
    percents = forms.CharField(
        required=False,
        max_length=100,
        label="Mail owners and admins at, % of a cap",
        help_text="Of this cap, and of each key's own. Once in a billing period for each.",
        widget=forms.TextInput(attrs={"placeholder": "Never", "autocomplete": "off"}),
    )

    @classmethod
    def showing(cls, *, cap_minor: Decimal | None, percents: list[int]) -> "SpendingCapForm":
        """Return the form as it stands."""
        # Through text, so that a round amount is shown without an exponent.
        cap = None if cap_minor is None else plain(to_dollars(cap_minor))
        return cls(initial={"cap": cap, "percents": ", ".join(map(str, percents))})

    def clean_percents(self) -> list[int]:
        """Return the percents, ascending."""
        words = [word for word in re.split(r"[\s,;%]+", self.cleaned_data["percents"]) if word]
        if not all(re.fullmatch(r"[0-9]{1,3}", word) and 1 <= int(word) <= 100 for word in words):
            raise forms.ValidationError("Whole percents from 1 to 100, with commas between them, as 50, 80, 100.")
        percents = sorted({int(word) for word in words})
        if len(percents) > MOST_THRESHOLDS:
            raise forms.ValidationError(f"{MOST_THRESHOLDS} of them at most.")
        return percents

    @property
    def cap_minor(self) -> Decimal | None:
        """The cap in cents; None for none."""
        chosen: Any = self.cleaned_data["cap"]
        return None if chosen is None else to_cents(chosen)
