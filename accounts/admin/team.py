"""Memberships and invitations of organizations."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from accounts.models import Invitation, Membership


def is_last_owner(membership: Membership) -> bool:
    """Tell whether an organization would be left without an owner if this membership went or changed."""
    if membership.role != Membership.Role.OWNER:
        return False
    owners = Membership.objects.filter(organization_id=membership.organization_id, role=Membership.Role.OWNER)
    return not owners.exclude(pk=membership.pk).exists()


class MembershipForm(forms.ModelForm):  # type: ignore[type-arg]
    """A person's role in an organization."""

    class Meta:
        model = Membership
        fields = ["organization", "user", "role"]

    def clean_role(self) -> str:
        """Refuse to take the role from an organization's only owner."""
        role = str(self.cleaned_data["role"])
        before = Membership.objects.filter(pk=self.instance.pk).first()
        if before and role != Membership.Role.OWNER and is_last_owner(before):
            raise forms.ValidationError("This is the organization's only owner: make another member an owner first.")
        return role


@admin.register(Membership)
class MembershipAdmin(ModelAdmin):
    """Memberships. Only the role can be changed."""

    form = MembershipForm
    list_display = ["user", "organization", "role", "created_at"]
    list_filter = ["role"]
    list_select_related = ["user", "organization"]
    search_fields = ["user__email", "organization__name"]
    autocomplete_fields = ["user", "organization"]

    def get_readonly_fields(self, request: HttpRequest, obj: Membership | None = None) -> list[str]:
        """Make person and organization read-only once the membership exists."""
        return ["organization", "user", "created_at"] if obj else []

    def has_delete_permission(self, request: HttpRequest, obj: Membership | None = None) -> bool:
        """Allow removing one member at a time, and never an organization's only owner."""
        allowed: bool = super().has_delete_permission(request, obj)
        return allowed and obj is not None and not is_last_owner(obj)


@admin.register(Invitation)
class InvitationAdmin(ModelAdmin):
    """Invitations. They are sent from the portal, since only the mail has the link. A wrong one is withdrawn here."""

    list_display = ["email", "organization", "role", "invited_by", "created_at", "expires_at", "accepted_at"]
    list_filter = ["role", ("accepted_at", admin.EmptyFieldListFilter)]
    list_select_related = ["organization", "invited_by"]
    search_fields = ["email", "organization__name"]
    fields = ["organization", "email", "role", "invited_by", "created_at", "expires_at", "accepted_at"]
    readonly_fields = ["organization", "email", "invited_by", "created_at", "accepted_at"]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse to add one: the portal sends invitations."""
        return False
