"""API keys: their limits and their revocation."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.forms import BaseDialogForm

from accounts.admin.base import ReadOnlyAdmin, back_to
from accounts.api_keys import revoke_api_key
from accounts.models import ApiKey
from billing.caps.caps import key_cap_balance
from billing.caps.meter import cap_meter
from billing.keys.listing import state_of
from common import clock

BUDGET = ["budget", "organization__billing_account"]


@display(description="Models")
def models(api_key: ApiKey) -> str:
    """Show which models the key may use."""
    return ", ".join(api_key.allowed_models) or "All of the plan's"


@display(description="Spending cap, $ a period")
def cap(api_key: ApiKey) -> str:
    """Show the key's cap and its balance."""
    balance = key_cap_balance(api_key=api_key, now=clock.now())
    if balance is None:
        return "None"
    meter = cap_meter(balance)
    return f"{meter.cap}: {meter.spent} spent, {meter.held or '$0.00'} held, {meter.left} left"


# The key is not stored, and its hash serves the lookup alone.
SHOWN = [
    "organization",
    "name",
    "hint",
    "scopes",
    models,
    cap,
    "created_by",
    "created_at",
    "expires_at",
    "last_used_at",
    "revoked_at",
]
REVOKE_DIALOG = {
    "title": "Revoke this key?",
    "description": "Calls with it are refused within 5 seconds, in every process. It cannot be undone.",
    "form_class": BaseDialogForm,
    "form_submit_text": "Revoke",
}


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    """Keys of all organizations. They are made in the portal, where only the owner sees a new key."""

    list_display = ["hint", "name", "organization", models, cap, "created_by", "last_used_at", "expires_at", "state"]
    list_filter = [("revoked_at", admin.EmptyFieldListFilter)]
    list_select_related = [*BUDGET, "created_by"]
    search_fields = ["=last_four", "name", "organization__name"]
    fields = readonly_fields = SHOWN
    actions = ["revoke_selected"]
    actions_detail = ["revoke"]

    @display(label={"Active": "success", "Expired": "warning", "Revoked": "danger"})
    def state(self, api_key: ApiKey) -> str:
        """Tell whether the key opens the API."""
        return state_of(api_key, now=clock.now()).capitalize()

    def has_revoke_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        """Allow revoking to everyone who may change keys."""
        return request.user.has_perm("accounts.change_apikey")

    @admin.action(description="Revoke", permissions=["revoke"])
    def revoke_selected(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        """Revoke the chosen keys and say which."""
        for api_key in queryset.select_related("organization").order_by("id"):
            self._revoke(request, api_key)

    @action(description="Revoke", permissions=["revoke"], dialog=REVOKE_DIALOG, variant=ActionVariant.DANGER)
    def revoke(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        """Revoke the key of this page, once confirmed."""
        api_key = self.get_object(request, object_id)
        if api_key is None:
            raise Http404
        self._revoke(request, api_key)
        return back_to(request, view="accounts_apikey_change", object_id=object_id)

    def _revoke(self, request: HttpRequest, api_key: ApiKey) -> None:
        if revoke_api_key(organization=api_key.organization, api_key_id=api_key.id, now=clock.now()):
            self.log_change(request, api_key, "Revoked.")
            self.message_user(request, f"{api_key} of {api_key.organization} is revoked.", messages.SUCCESS)
        else:
            self.message_user(request, f"{api_key} of {api_key.organization} was revoked before.", messages.INFO)
