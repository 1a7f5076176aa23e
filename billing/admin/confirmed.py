"""Adding a row that costs money: shown once more before it is made, made once, and told to Stripe after the commit."""

import re
import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.admin import ModelAdmin

from accounts.admin.guards import ConfirmedChanges, ask_for_password
from accounts.recent_sign_in import is_confirmed
from billing.credits.making import Making
from billing.stripe_billing.client import StripeRejected, StripeUnavailable

CONFIRMED = "_confirmed"
IDENTIFIER = re.compile(r"rgent-[a-z]+-[0-9a-f]{32}")


def new_identifier(kind: str) -> str:
    """Return an identifier for a row to be made, which is the idempotency key of its making at Stripe."""
    return f"rgent-{kind}-{uuid.uuid4().hex}"


class IdentifierField(forms.CharField):
    """The hidden identifier of a form: the same form sent twice makes one row."""

    def __init__(self, *, kind: str) -> None:
        super().__init__(widget=forms.HiddenInput(), initial=lambda: new_identifier(kind))

    def validate(self, value: str) -> None:
        """Refuse what is no identifier of ours."""
        super().validate(value)
        if not IDENTIFIER.fullmatch(value):
            raise forms.ValidationError("Open this page again.")


class ConfirmedAdd(ConfirmedChanges, ModelAdmin):
    """Rows that staff add after a confirmation, and nobody changes or deletes. `making` makes them at Stripe.

    The password is asked for before the form, so that nothing that was typed is lost.
    """

    making: Making[Any]

    def sentences(self, row: Any) -> list[str]:
        """Return what is about to be done, for the confirmation."""
        raise NotImplementedError

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse to change rows: they are Stripe's by now."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse to delete rows."""
        return False

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the form, then its confirmation, then make the row and tell Stripe."""
        if not is_confirmed(request):
            return ask_for_password(request)
        if request.method != "POST":
            return super().add_view(request, form_url, extra_context)  # type: ignore[no-any-return]
        if not self.has_add_permission(request):
            raise PermissionDenied
        if (made := self._made_before(request)) is not None:
            return self._already(request, made)
        if CONFIRMED not in request.POST:
            form = self.get_form(request)(request.POST)
            if form.is_valid():
                return self._confirmation(request, form)
        try:
            response = super().add_view(request, form_url, extra_context)
        except IntegrityError:  # a second click was quicker
            if (made := self._made_before(request)) is None:
                raise
            return self._already(request, made)
        if (row := self._made_before(request)) is not None:
            self._send(request, row)
        return response  # type: ignore[no-any-return]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Note who makes the row."""
        obj.created_by = request.user
        super().save_model(request, obj, form, change)

    def _made_before(self, request: HttpRequest) -> Model | None:
        rows = self.model._default_manager.filter(identifier=request.POST.get("identifier", ""))
        return rows.first()  # type: ignore[no-any-return]

    def _already(self, request: HttpRequest, made: Model) -> HttpResponse:
        self.message_user(request, f"{made} was made already, by the same form.", messages.INFO)
        view = f"admin:{made._meta.app_label}_{made._meta.model_name}_change"
        return HttpResponseRedirect(reverse(view, args=[made.pk]))

    def _confirmation(self, request: HttpRequest, form: Any) -> HttpResponse:
        row = form.save(commit=False)
        given = [(name, value) for name, values in request.POST.lists() for value in values]
        context = {
            **self.admin_site.each_context(request),
            "title": f"Confirm: {self.opts.verbose_name}",
            "opts": self.opts,
            "sentences": self.sentences(row),
            "given": [(name, value) for name, value in given if name != "csrfmiddlewaretoken"],
            "confirmed": CONFIRMED,
        }
        return TemplateResponse(request, "admin/billing/confirm.html", context)

    def _send(self, request: HttpRequest, row: Any) -> None:
        try:
            self.making.send(row)
        except StripeUnavailable:
            self.message_user(request, "Stripe does not answer: it is sent again within minutes.", messages.WARNING)
        except StripeRejected as error:
            self.message_user(request, f"Stripe refused: {error}", messages.ERROR)
        row.refresh_from_db()
        self.log_change(request, row, f"At Stripe: {row.get_state_display().lower()}.")
