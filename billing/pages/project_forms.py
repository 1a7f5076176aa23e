"""Forms of the projects pages."""

from decimal import Decimal
from typing import Any

from django import forms

from billing.money import MAX_DECIMALS, plain, to_cents, to_dollars
from billing.projects.listing import ProjectRow


class ProjectForm(forms.Form):
    """The name and the cap of a project. The rule of names stands in `accounts.projects`, which refuses others."""

    name = forms.CharField(
        max_length=64,
        label="Name",
        help_text="Requests send it as <code>rgent-project</code>: lower-case letters, digits, dots, hyphens.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "placeholder": "support-bot"}),
    )
    cap = forms.DecimalField(
        required=False,
        min_value=0,
        max_digits=28,
        decimal_places=MAX_DECIMALS + 2,
        label="Spending cap, $ a billing period",
        help_text="For tokens, of all its requests together.",
        widget=forms.TextInput(attrs={"inputmode": "decimal", "placeholder": "No cap", "autocomplete": "off"}),
    )

    @property
    def cap_minor(self) -> Decimal | None:
        """The cap in cents; None for none."""
        chosen: Any = self.cleaned_data["cap"]
        return None if chosen is None else to_cents(chosen)


def initial_of(project: ProjectRow) -> dict[str, Any]:
    """Return what the form of a project begins with."""
    cap_minor = project.cap.cap_minor if project.cap else None
    # Through text, so that a round amount is shown without an exponent.
    return {"name": project.name, "cap": None if cap_minor is None else plain(to_dollars(cap_minor))}
