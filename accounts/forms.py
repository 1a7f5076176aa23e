"""Forms of the account pages."""

from django import forms
from django.http import HttpRequest

from accounts.models import User
from accounts.organizations import create_organization


class OrganizationSignupForm(forms.Form):
    """The fields of sign-up beside e-mail and password."""

    organization = forms.CharField(
        max_length=150, required=False, label="Organization", widget=forms.TextInput(attrs={"placeholder": "Acme Inc."})
    )

    def signup(self, request: HttpRequest, user: User) -> None:
        """Give the new person an organization of their own."""
        create_organization(owner=user, name=self.cleaned_data["organization"])
