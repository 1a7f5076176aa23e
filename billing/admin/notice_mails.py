"""Mails of notices: sent, waiting, refused, given up."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from accounts.models import Organization
from billing.admin.large_tables import LargeTableAdmin
from billing.models import NoticeMail

STATE_COLOURS = {"waiting": "info", "sent": "success", "refused": "danger", "given_up": "danger", "unwanted": "info"}


@admin.register(NoticeMail)
class NoticeMailAdmin(LargeTableAdmin):
    """Each mail to a person about an event. Sent by the worker, once."""

    search_fields = ["user__email"]
    search_help_text = "The whole e-mail address of a person"
    list_display = ["kind", "organization", "user", "state_label", "attempts", "ended_at", "last_error"]
    list_filter = ["state", "notice__kind"]
    list_select_related = ["notice__organization", "user"]
    list_fullwidth = True
    fieldsets = [
        (None, {"fields": ["kind", "organization", "user", "facts"]}),
        ("Sending", {"fields": ["state", "attempts", "next_attempt_at", "ended_at", "last_error"]}),
    ]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find the mails to a person."""
        term = search_term.strip()
        return (queryset.filter(user__email=term.lower()) if term else queryset), False

    @display(description="Kind")
    def kind(self, mail: NoticeMail) -> str:
        """Name the kind."""
        return mail.notice.get_kind_display()

    @display(description="Organization")
    def organization(self, mail: NoticeMail) -> Organization:
        """Show the organization."""
        return mail.notice.organization

    @display(description="Facts")
    def facts(self, mail: NoticeMail) -> str:
        """Show the facts that the mail is composed of."""
        return str(mail.notice.facts)

    @display(description="State", label=STATE_COLOURS)
    def state_label(self, mail: NoticeMail) -> str:
        """Show the state."""
        return mail.state
