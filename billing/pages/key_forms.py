"""Forms of the keys page."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypedDict

from django import forms
from django.db.models import TextChoices

from accounts.models import SCOPES, KeyScope, Project
from billing.keys.listing import KeyOrder, KeyRow
from billing.keys.terms import KeyTerms
from billing.money import MAX_DECIMALS, plain, to_cents, to_dollars
from common import clock

OVERLAPS = [("0", "no time"), ("3600", "an hour"), ("86400", "a day"), ("604800", "a week")]
EXPIRES_IN_DAYS = {"30": 30, "90": 90}


class Expiry(TextChoices):
    """The expiry of a key."""

    NEVER = "never", "Never"
    IN_30_DAYS = "30", "In 30 days"
    IN_90_DAYS = "90", "In 90 days"
    ON_A_DATE = "date", "On a date"


class ScopesSelect(forms.Select):
    """A choice of scopes. It defaults to chat when the field is absent."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        """Return the stored form of the scopes."""
        return super().value_from_datadict(data, files, name) or KeyScope.CHAT.value


class KeyForm(forms.Form):
    """The name and the limits of a key."""

    name = forms.CharField(max_length=100, label="Name")
    models = forms.MultipleChoiceField(
        required=False,
        label="Models",
        help_text="None chosen: all of the plan's, also those it has later.",
        widget=forms.CheckboxSelectMultiple,
    )
    cap = forms.DecimalField(
        required=False,
        min_value=0,
        max_digits=28,
        decimal_places=MAX_DECIMALS + 2,
        label="Spending cap, $ a billing period",
        help_text="For tokens, beside your organization's own cap.",
        widget=forms.TextInput(attrs={"inputmode": "decimal", "placeholder": "No cap", "autocomplete": "off"}),
    )
    project = forms.ChoiceField(
        required=False,
        label="Project",
        help_text="All its requests belong to it. Without one, each request may name any.",
    )
    expires = forms.ChoiceField(choices=Expiry, required=False, label="Expires")
    expires_on = forms.DateField(
        required=False,
        label="Last day",
        help_text="It stops working when this day ends in UTC.",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    def __init__(self, *args: Any, models: Sequence[str], projects: Iterable[Project], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._projects = {project.name: project for project in projects}
        field = self.fields["models"]
        assert isinstance(field, forms.MultipleChoiceField)  # noqa: S101 - declared above
        field.choices = [(model, model) for model in models]
        named = self.fields["project"]
        assert isinstance(named, forms.ChoiceField)  # noqa: S101 - declared above
        named.choices = [("", "None"), *((name, name) for name in self._projects)]

    def clean(self) -> dict[str, Any]:
        """Require the day of a custom expiry, and refuse a past one unless the key has it already."""
        data = super().clean() or {}
        if data.get("expires") == Expiry.ON_A_DATE and "expires_on" not in self.errors and self._expiry_changed:
            day = data.get("expires_on")
            if day is None:
                self.add_error("expires_on", "Choose the day.")
            elif _end_of(day) <= clock.now():
                self.add_error("expires_on", "This day has passed. To stop a key at once, revoke it.")
        return data

    def terms(self) -> KeyTerms:
        """Return the name and the chosen limits, without unchanged ones."""
        chosen = self.cleaned_data
        terms = KeyTerms(name=chosen["name"])
        if "models" in self.changed_data:
            terms["models"] = chosen["models"]
        if "cap" in self.changed_data:
            terms["cap_minor"] = None if chosen["cap"] is None else to_cents(chosen["cap"])
        if "project" in self.changed_data:
            terms["project"] = self._projects.get(chosen["project"])
        if self._expiry_changed:
            terms["expires_at"] = self._expires_at()
        return terms

    @property
    def has_projects(self) -> bool:
        """Whether there is a project to choose."""
        return bool(self._projects)

    @property
    def limits_have_errors(self) -> bool:
        """Whether any of the limits must be shown for its error."""
        return any(name in self.errors for name in ("models", "cap", "project", "expires", "expires_on"))

    @property
    def _expiry_changed(self) -> bool:
        return bool({"expires", "expires_on"}.intersection(self.changed_data))

    def _expires_at(self) -> datetime | None:
        choice = self.cleaned_data["expires"]
        if choice in EXPIRES_IN_DAYS:
            return clock.now() + timedelta(days=EXPIRES_IN_DAYS[choice])
        return _end_of(self.cleaned_data["expires_on"]) if choice == Expiry.ON_A_DATE else None


class NewKeyForm(KeyForm):
    """The name, scopes and limits of a new key."""

    name = forms.CharField(max_length=100, initial="Default", label="Name")
    scopes = forms.ChoiceField(choices=SCOPES, initial=KeyScope.CHAT.value, label="Opens", widget=ScopesSelect)

    def clean_scopes(self) -> list[KeyScope]:
        """Return the scopes themselves."""
        return [KeyScope(word) for word in self.cleaned_data["scopes"].split()]


class KeyTermsForm(KeyForm):
    """Edits an existing key's name and limits."""

    def __init__(self, *args: Any, key: KeyRow, **kwargs: Any) -> None:
        super().__init__(*args, initial=_initial(key), **kwargs)


def _initial(key: KeyRow) -> dict[str, Any]:
    cap_minor = key.cap.cap_minor if key.cap else None
    last_day = (key.expires_at - timedelta(microseconds=1)).astimezone(UTC).date() if key.expires_at else None
    return {
        "name": key.name,
        "models": key.models,
        "project": key.project or "",
        # Through text, so that a round amount is shown without an exponent.
        "cap": None if cap_minor is None else plain(to_dollars(cap_minor)),
        "expires": Expiry.ON_A_DATE if last_day else Expiry.NEVER,
        "expires_on": last_day,
    }


def _end_of(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=UTC) + timedelta(days=1)


class KeyQuery(TypedDict):
    """The part of an organization's keys that a page lists, and its order."""

    text: str
    order: KeyOrder
    usable: bool


class KeyListForm(forms.Form):
    """The search, the order and the part of the list of keys. A wrong one is as good as none."""

    q = forms.CharField(
        max_length=100,
        required=False,
        label="Name, or last four characters",
        widget=forms.TextInput({"type": "search"}),
    )
    order = forms.ChoiceField(
        choices=[(KeyOrder.NEWEST, "Newest first"), (KeyOrder.LAST_USED, "Last used"), (KeyOrder.NAME, "Name")],
        required=False,
    )
    show = forms.ChoiceField(choices=[("working", "That work"), ("past", "That work no more")], required=False)

    def wanted(self) -> KeyQuery:
        """Return the query of the list."""
        data = self.cleaned_data if self.is_valid() else {}
        return {
            "text": data.get("q", ""),
            "order": KeyOrder(data.get("order") or KeyOrder.NEWEST),
            "usable": data.get("show") != "past",
        }


class RotationForm(forms.Form):
    """How long a key goes on working beside the one that takes its place."""

    overlap = forms.ChoiceField(choices=OVERLAPS, label="The old key works for", initial="86400")

    @property
    def overlap_time(self) -> timedelta:
        """The chosen time."""
        return timedelta(seconds=int(self.cleaned_data["overlap"]))

    @property
    def told(self) -> str:
        """The chosen end in words, after the name of the old key."""
        if not self.overlap_time:
            return "stops working within five seconds"
        return f"works for {dict(OVERLAPS)[self.cleaned_data['overlap']]} more"
