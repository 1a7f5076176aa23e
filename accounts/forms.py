"""Forms of the account pages."""

from typing import Any

from django import forms
from django.http import HttpRequest

from accounts.models import SCOPES, KeyScope, User
from accounts.organizations import create_organization


class OrganizationSignupForm(forms.Form):
    """What sign-up asks beyond e-mail and password."""

    organization = forms.CharField(
        max_length=150, required=False, label="Organization", widget=forms.TextInput(attrs={"placeholder": "Acme Inc."})
    )

    def signup(self, request: HttpRequest, user: User) -> None:
        """Give the new person an organization of their own."""
        create_organization(owner=user, name=self.cleaned_data["organization"])


class ScopesSelect(forms.Select):
    """A choice of scopes. Who is not asked gets a key that chats."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        """Return the stored form of the scopes."""
        return super().value_from_datadict(data, files, name) or KeyScope.CHAT.value


class ApiKeyForm(forms.Form):
    """A new key's name, and what it opens."""

    name = forms.CharField(max_length=100, initial="Default", label="Name")
    scopes = forms.ChoiceField(choices=SCOPES, initial=KeyScope.CHAT.value, label="Opens", widget=ScopesSelect)

    def clean_name(self) -> Any:
        """Refuse a name of nothing but spaces."""
        return self.cleaned_data["name"].strip()

    def clean_scopes(self) -> list[KeyScope]:
        """Return the scopes themselves."""
        return [KeyScope(word) for word in self.cleaned_data["scopes"].split()]
