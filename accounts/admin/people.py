"""People, and the rights of staff.

Rights, and the ways into an account that has some, are changed by superusers alone: staff who may edit people could
otherwise make themselves superusers, or take the account of one over.
"""

from typing import Any

from allauth.account.adapter import get_adapter
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.http import HttpRequest, HttpResponse
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from accounts.access_log import note, note_on_commit
from accounts.admin.base import ReadOnlyInline
from accounts.admin.guards import ConfirmedChanges, SuperusersChange, confirm_first, is_superuser
from accounts.models import Membership, User

RIGHTS = ("is_staff", "is_superuser", "groups", "user_permissions")


def rights_of(user: User) -> dict[str, Any]:
    """Return a person's rights, for the log."""
    return {
        "is_active": user.is_active,
        "is_staff": user.is_staff,
        "is_superuser": user.is_superuser,
        "groups": sorted(user.groups.values_list("name", flat=True)),
        "permissions": sorted(user.user_permissions.values_list("codename", flat=True)),
    }


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
        if confirm := confirm_first(request):
            return confirm
        before = User.objects.filter(pk=id).values_list("password", flat=True).first()
        response: HttpResponse = super().user_change_password(request, id, form_url)
        user = User.objects.filter(pk=id).first()
        if user and user.password != before:
            note("password set by staff", user_id=user.pk)
            get_adapter().send_notification_mail("account/email/password_changed", user)
        return response

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Save a person, and tell the old address where there is a new one."""
        before = form.initial.get("email") if change else None
        super().save_model(request, obj, form, change)
        if before and before != obj.email:
            emails = {"from_email": before, "to_email": obj.email}
            get_adapter().send_notification_mail("account/email/email_changed", obj, emails, email=before)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Save groups and permissions, and log what a person may do where that changed."""
        super().save_related(request, form, formsets, change)
        if changed := sorted({"email", "is_active", *RIGHTS} & set(form.changed_data)):
            note_on_commit(
                "person changed by staff", user_id=form.instance.pk, fields=changed, **rights_of(form.instance)
            )

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Keep people: one who left is made inactive, so that the rows they made stay explained."""
        return False


admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(SuperusersChange, ConfirmedChanges, DjangoGroupAdmin, ModelAdmin):
    """Rights that several members of staff share."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Save the group's permissions, and log them."""
        super().save_related(request, form, formsets, change)
        permissions = sorted(form.instance.permissions.values_list("codename", flat=True))
        note_on_commit("group changed by staff", group=form.instance.name, permissions=permissions)
