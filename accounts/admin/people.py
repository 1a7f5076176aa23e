"""People, their e-mail addresses, and the rights of staff.

Rights, and the ways into an account that has some, are changed by superusers alone: staff who may edit people could
otherwise make themselves superusers, or take the account of one over.
"""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.admin import EmailAddressAdmin as AllauthEmailAddressAdmin
from allauth.account.models import EmailAddress
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from accounts.admin.base import ReadOnlyInline
from accounts.models import Membership, User
from accounts.recent_sign_in import is_confirmed

RIGHTS = ("is_staff", "is_superuser", "groups", "user_permissions")


def is_superuser(request: HttpRequest) -> bool:
    """Tell whether an active superuser asks."""
    return bool(request.user.is_active and getattr(request.user, "is_superuser", False))


class SuperusersChange:
    """Rows that staff with the right may look at, and superusers alone add, change or delete."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Allow superusers."""
        return is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Allow superusers."""
        return is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Allow superusers."""
        return is_superuser(request)


class ConfirmedChanges:
    """Rows that are changed by a person who gave the password lately: a stolen session of staff opens all doors.

    The form has to be sent again afterwards, since a password in it must not be kept in the meantime.
    """

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show or change a row; a change asks for the password first where it was not given lately."""
        if confirm := _confirm_first(request):
            return confirm
        shown: HttpResponse = super().changeform_view(request, object_id, form_url, extra_context)  # type: ignore[misc]
        return shown

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list, or act on rows of it."""
        if confirm := _confirm_first(request):
            return confirm
        shown: HttpResponse = super().changelist_view(request, extra_context)  # type: ignore[misc]
        return shown

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Delete a row."""
        if confirm := _confirm_first(request):
            return confirm
        shown: HttpResponse = super().delete_view(request, object_id, extra_context)  # type: ignore[misc]
        return shown


def _confirm_first(request: HttpRequest) -> HttpResponse | None:
    if request.method != "POST" or is_confirmed(request):
        return None
    return redirect_to_login(request.get_full_path(), login_url=reverse("account_reauthenticate"))


class NewUserForm(UserCreationForm):
    """The form of a new person: e-mail and password."""

    class Meta:
        model = User
        fields = ("email",)

    def clean_email(self) -> str:
        """Keep e-mails in lower case, as UserManager does."""
        return str(self.cleaned_data["email"]).lower()


class OrganizationsOfUser(ReadOnlyInline):
    """The organizations a person belongs to."""

    model = Membership
    fields = readonly_fields = ["organization", "role", "created_at"]
    verbose_name_plural = "organizations"


@admin.register(User)
class UserAdmin(ConfirmedChanges, DjangoUserAdmin, ModelAdmin):  # type: ignore[type-arg]
    """People. A superuser gives others the right to use the admin."""

    form = UserChangeForm
    add_form = NewUserForm
    change_password_form = AdminPasswordChangeForm
    inlines = [OrganizationsOfUser]
    ordering = ["email"]
    list_display = ["email", "name", "is_active", "is_staff", "is_superuser", "date_joined", "last_login"]
    list_filter = ["is_active", "is_staff", "is_superuser"]
    search_fields = ["email", "name"]
    readonly_fields = ["date_joined", "last_login"]
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("email", "name", "password")}),
        ("Rights", {"fields": ("is_active", *RIGHTS)}),
        ("Dates, in UTC", {"fields": ("date_joined", "last_login")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "password1", "password2")}),)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        """Leave rights to superusers."""
        fixed = list(super().get_readonly_fields(request, obj))
        return fixed if is_superuser(request) else [*fixed, *RIGHTS]

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Leave the accounts of staff, with their e-mail and password, to superusers."""
        allowed: bool = super().has_change_permission(request, obj)
        has_rights = obj is not None and (obj.is_staff or obj.is_superuser)
        return allowed and (is_superuser(request) or not has_rights)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        """Set a person's password, and tell them by mail."""
        if confirm := _confirm_first(request):
            return confirm
        before = User.objects.filter(pk=id).values_list("password", flat=True).first()
        response: HttpResponse = super().user_change_password(request, id, form_url)
        user = User.objects.filter(pk=id).first()
        if user and user.password != before:
            get_adapter().send_notification_mail("account/email/password_changed", user)
        return response

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Save a person, and tell the old address where there is a new one."""
        before = form.initial.get("email") if change else None
        super().save_model(request, obj, form, change)
        if before and before != obj.email:
            emails = {"from_email": before, "to_email": obj.email}
            get_adapter().send_notification_mail("account/email/email_changed", obj, emails, email=before)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Keep people: one who left is made inactive, so that the rows they made stay explained."""
        return False


admin.site.unregister([Group, EmailAddress])


@admin.register(Group)
class GroupAdmin(SuperusersChange, ConfirmedChanges, DjangoGroupAdmin, ModelAdmin):
    """Rights that several members of staff share."""


@admin.register(EmailAddress)
class EmailAddressAdmin(SuperusersChange, ConfirmedChanges, AllauthEmailAddressAdmin, ModelAdmin):
    """Addresses people sign in with, and whether they were verified. A verified address can reset the password."""

    list_select_related = ["user"]
    actions = ["mark_verified"]

    @admin.action(description="Mark as verified", permissions=["change"])
    def mark_verified(self, request: HttpRequest, queryset: Any) -> None:
        """Verify the chosen addresses, which allauth's own action lets anybody do who may look at them."""
        self.make_verified(request, queryset)
