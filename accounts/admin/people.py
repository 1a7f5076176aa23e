"""People, their e-mail addresses, and the rights of staff."""

from allauth.account.admin import EmailAddressAdmin as AllauthEmailAddressAdmin
from allauth.account.models import EmailAddress
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from accounts.admin.base import ReadOnlyInline
from accounts.models import Membership, User


class NewUserForm(UserCreationForm):
    """A new person: e-mail and password."""

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
class UserAdmin(DjangoUserAdmin, ModelAdmin):  # type: ignore[type-arg]
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
        ("Rights", {"fields": ("is_active", "is_staff", "is_superuser", "groups")}),
        ("Dates, in UTC", {"fields": ("date_joined", "last_login")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "password1", "password2")}),)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Nobody deletes a person: who left is made inactive, and what they did stays explained."""
        return False


admin.site.unregister([Group, EmailAddress])


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ModelAdmin):
    """Rights that several members of staff share."""


@admin.register(EmailAddress)
class EmailAddressAdmin(AllauthEmailAddressAdmin, ModelAdmin):
    """Addresses people sign in with, and whether they were verified."""

    list_select_related = ["user"]
