"""Forms of the pages of webhooks."""

from datetime import timedelta
from typing import Any

from django import forms

from billing.customer_webhooks.addresses import MOST_CHARS, BadAddress, check_url
from billing.customer_webhooks.endpoints import EndpointTerms
from billing.models import CustomerEndpoint, CustomerEvent
from billing.pages.key_forms import OVERLAPS

EVENT_TYPES = [(each.value, each.value) for each in CustomerEvent.Type if each != CustomerEvent.Type.TEST]


class EndpointForm(forms.Form):
    """The address of an endpoint, and the types of events it gets."""

    url = forms.CharField(
        max_length=MOST_CHARS,
        label="Address",
        widget=forms.URLInput(attrs={"placeholder": "https://example.com/webhooks", "autocomplete": "off"}),
    )
    events = forms.MultipleChoiceField(
        choices=EVENT_TYPES,
        required=False,
        label="Events",
        help_text="None chosen: all, also those that come later.",
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, data: Any = None, *, endpoint: CustomerEndpoint | None = None) -> None:
        initial = {"url": endpoint.url, "events": endpoint.event_types} if endpoint else {}
        super().__init__(data, initial=initial)

    def clean_url(self) -> str:
        """Refuse an address that webhooks cannot go to."""
        try:
            return check_url(self.cleaned_data["url"])
        except BadAddress as error:
            raise forms.ValidationError(str(error)) from error

    def terms(self) -> EndpointTerms:
        """Return the terms that were chosen."""
        return EndpointTerms(url=self.cleaned_data["url"], event_types=self.cleaned_data["events"])


class SecretRotationForm(forms.Form):
    """The end of the old secret."""

    overlap = forms.ChoiceField(choices=OVERLAPS, initial="86400", label="The old secret signs as well for")

    @property
    def overlap_time(self) -> timedelta:
        """The time for which both sign."""
        return timedelta(seconds=int(self.cleaned_data["overlap"]))
