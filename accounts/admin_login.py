"""The admin's own log-in page: by e-mail, and under the limits of the product's."""

from typing import Any

from allauth.account.adapter import get_adapter
from django import forms
from unfold.forms import AuthenticationForm

from accounts.models import User
from accounts.second_factors import has_second_factor

SECOND_FACTOR = "Your account has a second factor: sign in at /accounts/login/, then come back."


class AdminLoginForm(AuthenticationForm):
    """Asks for e-mail and password.

    The password is checked through allauth, so that failed tries here count against the same limit as those on the
    product's log-in page. Django's own form would let anybody guess for ever. It asks for no second factor, so a person
    who has one comes in by the product's page.
    """

    def clean(self) -> dict[str, Any]:
        """Find the person, and refuse one who may not use the admin. Raises ValidationError, also after many tries."""
        email, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if email and password:
            self.user_cache = get_adapter().authenticate(self.request, email=email.lower(), password=password)
            if self.user_cache is None:
                raise self.get_invalid_login_error()
            self.confirm_login_allowed(self.user_cache)
            if isinstance(self.user_cache, User) and has_second_factor(self.user_cache):
                raise forms.ValidationError(SECOND_FACTOR)
        return dict(self.cleaned_data)
