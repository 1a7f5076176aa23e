"""A person's own settings: name and time zone, and the terms they are asked to accept."""

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.closing import StillOwner, close_account
from accounts.models import User
from accounts.recent_sign_in import require_confirmation
from accounts.terms import accept_terms, must_accept
from accounts.time_zones import UTC, zone_choices


class ProfileForm(forms.ModelForm):  # type: ignore[type-arg]
    """A person's name and time zone."""

    time_zone = forms.ChoiceField(
        choices=zone_choices,
        required=False,
        label="Time zone",
        help_text="For the times on pages. Billing periods, days and totals are those of UTC.",
    )

    class Meta:
        model = User
        fields = ["name", "time_zone"]

    def clean_time_zone(self) -> str:
        """Keep UTC as an empty text."""
        chosen = str(self.cleaned_data["time_zone"])
        return "" if chosen == UTC else chosen


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@login_required
def profile(request: HttpRequest) -> HttpResponse:
    """Show a person's name and time zone; a POST changes them."""
    user = _person(request)
    sent = request.POST if request.method == "POST" else None
    form = ProfileForm(sent, instance=user, initial={"time_zone": user.time_zone or UTC})
    if form.is_valid():
        User.objects.filter(pk=user.pk).update(**form.cleaned_data)
        messages.success(request, "Your profile is saved.")
        return redirect("profile")
    return render(request, "accounts/profile.html", {"form": form}, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@login_required
def terms(request: HttpRequest) -> HttpResponse:
    """Ask a person to accept the present terms; a POST accepts them, and goes on."""
    user = _person(request)
    onwards = request.GET.get("next", "")
    if not url_has_allowed_host_and_scheme(onwards, allowed_hosts=None):
        onwards = settings.LOGIN_REDIRECT_URL
    if request.method == "POST":
        accept_terms(user=user, request=request, now=timezone.now())
    if not must_accept(user):
        return redirect(onwards)
    return render(request, "accounts/terms.html", {"is_new": not user.terms_version})


@require_POST
@login_required
def close(request: HttpRequest) -> HttpResponse:
    """Close the person's account. Raises ReauthenticationRequired."""
    require_confirmation(request)
    try:
        close_account(user=_person(request))
    except StillOwner as error:
        messages.error(request, str(error))
        return redirect("profile")
    logout(request)
    messages.success(request, "Your account is closed.")
    return redirect("account_login")


def _person(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # noqa: S101 - login_required
    return request.user
