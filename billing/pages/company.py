"""The page of a company's details: address, tax id and purchase order number, as its invoices have them."""

import re
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.models import Membership
from accounts.pages.access import member_page, require_manager
from billing.models import BillingAccount
from billing.pages.frame import page_frame
from billing.pages.telling import told
from billing.stripe_billing.client import StripeRejected
from billing.subscriptions.company import ADDRESS, Company, change_company, company_of

TAX_IDS = [
    ("", "None"),
    ("eu_vat", "EU VAT number"),
    ("gb_vat", "UK VAT number"),
    ("ch_vat", "Swiss VAT number"),
    ("no_vat", "Norwegian VAT number"),
    ("us_ein", "US EIN"),
    ("au_abn", "Australian ABN"),
    ("ca_gst_hst", "Canadian GST/HST number"),
    ("jp_trn", "Japanese registration number"),
]


class CompanyForm(forms.Form):
    """The details of a company."""

    line1 = forms.CharField(max_length=200, required=False, label="Street and number")
    line2 = forms.CharField(max_length=200, required=False, label="Addition")
    postal_code = forms.CharField(max_length=20, required=False, label="Postal code")
    city = forms.CharField(max_length=100, required=False, label="City")
    state = forms.CharField(max_length=100, required=False, label="State or province")
    country = forms.CharField(max_length=2, required=False, label="Country", help_text="Two letters, as DE or US.")
    tax_id_type = forms.ChoiceField(choices=TAX_IDS, required=False, label="Kind of tax id")
    tax_id = forms.CharField(max_length=50, required=False, label="Tax id")
    purchase_order = forms.CharField(
        max_length=140, required=False, label="Purchase order number", help_text="On each invoice from the next one on."
    )

    def clean_country(self) -> str:
        """Return the country in capitals."""
        country = str(self.cleaned_data["country"]).upper()
        if country and not re.fullmatch(r"[A-Z]{2}", country):
            raise forms.ValidationError("Two letters, as DE or US.")
        return country

    def clean(self) -> dict[str, Any]:
        """Ask for a tax id with its kind, and for a country with an address."""
        data: dict[str, Any] = super().clean() or {}
        if bool(data.get("tax_id_type")) != bool(data.get("tax_id")):
            raise forms.ValidationError({"tax_id": "A tax id needs its kind, and a kind its tax id."})
        if any(data.get(name) for name in ADDRESS) and not data.get("country") and "country" not in self.errors:
            raise forms.ValidationError({"country": "An address needs a country."})
        return data


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
def company(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Show the company's details; a POST changes them at Stripe."""
    require_manager(membership)
    account, context = page_frame(membership)
    sent = request.POST if request.method == "POST" else None
    known = company_of(account)
    initial = {name: getattr(known, name) for name in CompanyForm.base_fields}
    form = CompanyForm(sent, initial=initial)
    if form.is_valid():
        with told(request):
            refused = _change(account, Company(**form.cleaned_data))
            if not refused:
                messages.success(request, "Saved. Your invoices have it from the next one on.")
                return redirect("billing")
            form.add_error("tax_id", refused)
    status = 422 if form.errors else 200
    return render(request, "billing/company.html", {**context, "form": form}, status=status)


def _change(account: BillingAccount, details: Company) -> str:
    """Change the details; return Stripe's sentence where it refuses the tax id."""
    try:
        change_company(account, details)
    except StripeRejected as error:
        if error.code != "tax_id_invalid":
            raise
        return str(error)
    return ""
