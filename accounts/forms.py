"""Forms of the account pages."""

import uuid
from typing import Any

from allauth.account.forms import SignupForm
from allauth.account.models import EmailAddress
from allauth.core.exceptions import ImmediateHttpResponse
from django import forms
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.http import HttpRequest
from django.shortcuts import render
from django.utils import timezone

from accounts.models import User
from accounts.networks import network_of
from accounts.organizations import create_organization
from accounts.sign_up_again import find_unconfirmed, keep_choices
from accounts.sign_up_limits import TooManySignUps, count_sign_up
from accounts.terms import accept_terms


class SignUpForm(SignupForm):
    """E-mail, password, and the name of the organization that every sign-up opens."""

    organization = forms.CharField(
        max_length=150, required=False, label="Organization", widget=forms.TextInput(attrs={"placeholder": "Acme Inc."})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if settings.TERMS_URL:
            self.fields["terms"] = forms.BooleanField(label="I accept the terms")

    def signup(self, request: HttpRequest, user: User) -> None:
        """Give the new person an organization of their own, and note that they accept the terms."""
        create_organization(owner=user, name=self.cleaned_data["organization"])
        if settings.TERMS_URL:
            accept_terms(user=user, request=request, now=timezone.now())

    def try_save(self, request: HttpRequest) -> tuple[User | None, Any]:
        """Sign a person up. Raises ImmediateHttpResponse where the day's sign-ups are used up.

        A known address gets the same page as an unknown one, after the same work. A mail tells its owner the rest.
        """
        try:
            count_sign_up(network=network_of(request), now=timezone.now())
        except TooManySignUps as error:
            raise ImmediateHttpResponse(render(request, "429.html", {"exception": error}, status=429)) from error
        return self._sign_up_known(request) if self.account_already_exists else self._sign_up_unknown(request)

    @transaction.atomic
    def _sign_up_unknown(self, request: HttpRequest) -> tuple[User | None, Any]:
        signed_up: tuple[User | None, Any] = super().try_save(request)
        return signed_up

    def _sign_up_known(self, request: HttpRequest) -> tuple[User | None, Any]:
        self._undo_a_sign_up()
        request.session.save()  # a write to disk, as the account would have been
        password = self.cleaned_data["password1"]
        if unconfirmed := find_unconfirmed(email=self.cleaned_data["email"]):
            organization = self.cleaned_data["organization"]
            keep_choices(request, user=unconfirmed, password=password, organization=organization)
            return unconfirmed, None
        make_password(password)
        known: tuple[User | None, Any] = super().try_save(request)
        return known

    @transaction.atomic
    def _undo_a_sign_up(self) -> None:
        """Write a new account but for its password, and undo it, so that a known address takes as long as another."""
        nobody = User.objects.create(email=f"{uuid.uuid4()}@invalid")
        create_organization(owner=nobody, name=self.cleaned_data["organization"])
        EmailAddress.objects.create(user=nobody, email=nobody.email)
        transaction.set_rollback(True)
