"""The organization's settings: its name, its billing e-mail, and the second factor it asks its members for."""

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import Membership
from accounts.pages.access import member_page, require_manager
from accounts.recent_sign_in import require_confirmation
from accounts.second_factors import has_second_factor, members_without_second_factor, require_second_factor
from billing.pages.frame import page_frame
from billing.pages.telling import told
from billing.subscriptions.customer import change_contact


class OrganizationForm(forms.Form):
    """An organization's name and billing e-mail."""

    name = forms.CharField(max_length=150, label="Name")
    email = forms.EmailField(
        max_length=254, label="Billing e-mail", help_text="Stripe sends invoices and receipts here."
    )


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
def organization_settings(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Show an organization's name and billing e-mail; a POST changes them, at Stripe as well."""
    require_manager(membership)
    organization = membership.organization
    sent = request.POST if request.method == "POST" else None
    form = OrganizationForm(sent, initial={"name": organization.name, "email": organization.email})
    if form.is_valid():
        with told(request):
            change_contact(organization=organization, **form.cleaned_data)
            messages.success(request, "The organization's details are saved.")
        return redirect("organization_settings")
    _, context = page_frame(membership)
    context |= {
        "form": form,
        "is_owner": membership.role == Membership.Role.OWNER,
        "has_own_factor": has_second_factor(membership.user),
        "without_factor": members_without_second_factor(organization_id=organization.pk),
    }
    return render(request, "billing/organization.html", context, status=422 if form.errors else 200)


@require_POST
@member_page
def second_factor(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Close the portal to members without a second factor, or open it to them. Raises ReauthenticationRequired."""
    if membership.role != Membership.Role.OWNER:
        raise PermissionDenied(f"Only owners of {membership.organization} decide this: ask one of them.")
    require_confirmation(request)
    wanted = "required" in request.POST
    if wanted and not has_second_factor(membership.user):
        messages.error(
            request, "Add a second factor to your own account first, or you would be the first one left out."
        )
        return redirect("organization_settings")
    require_second_factor(organization=membership.organization, wanted=wanted)
    messages.success(
        request, "Members need a second factor from now on." if wanted else "Members may do without a second factor."
    )
    return redirect("organization_settings")
