"""The rows of an organization's log: who did what, when, and from where."""

from django.db import models


class AuditEvent(models.TextChoices):
    """The acts that the log knows, as a reader is told of them."""

    ORGANIZATION_CHANGED = "organization_changed", "changed the organization's details"
    ORGANIZATION_CLOSED = "organization_closed", "closed the organization"
    SECOND_FACTOR_REQUIRED = "second_factor_required", "required a second factor of everybody"
    SECOND_FACTOR_OPTIONAL = "second_factor_optional", "no longer requires a second factor"
    CHAT_SWITCHED_ON = "chat_switched_on", "switched the chat page on"
    CHAT_SWITCHED_OFF = "chat_switched_off", "switched the chat page off"
    DATA_EXPORTED = "data_exported", "exported the data"
    INVITED = "invited", "invited"
    INVITATION_WITHDRAWN = "invitation_withdrawn", "withdrew the invitation of"
    MEMBER_JOINED = "member_joined", "added a member"
    MEMBER_REMOVED = "member_removed", "removed a member"
    ROLE_CHANGED = "role_changed", "changed the role of"
    KEY_CREATED = "key_created", "created the key"
    KEY_CHANGED = "key_changed", "changed the key"
    KEY_ROTATED = "key_rotated", "rotated the key"
    KEY_REVOKED = "key_revoked", "revoked the key"
    LOOKED_AT = "looked_at", "looked at the pages"
    STOPPED = "stopped", "stopped requests"
    RESTORED = "restored", "let requests in again"
    PROJECT_CREATED = "project_created", "created the project"
    PROJECT_CHANGED = "project_changed", "renamed the project"
    PROJECT_CAPPED = "project_capped", "changed the spending cap of the project"
    PROJECT_ARCHIVED = "project_archived", "archived the project"
    PROJECT_RESTORED = "project_restored", "brought back the project"
    CAP_CHANGED = "cap_changed", "changed the spending cap"
    SUBSCRIBED = "subscribed", "subscribed"
    PLAN_SWITCHED = "plan_switched", "switched the plan"
    SWITCH_PLANNED = "switch_planned", "planned a switch at renewal"
    SWITCH_TAKEN_BACK = "switch_taken_back", "took back the planned switch"
    SWITCH_GIVEN_UP = "switch_given_up", "gave up the planned switch"
    CANCELED = "canceled", "canceled the subscription at its period's end"
    CANCELED_NOW = "canceled_now", "canceled the subscription at once"
    RESUMED = "resumed", "took the cancellation back"
    CARD_CHANGED = "card_changed", "changed the card"
    INVOICES_PAID = "invoices_paid", "paid open invoices"
    WEBHOOK_ADDED = "webhook_added", "added the webhook"
    WEBHOOK_CHANGED = "webhook_changed", "changed the webhook"
    WEBHOOK_SECRET_ROTATED = "webhook_secret_rotated", "rotated the secret of the webhook"
    WEBHOOK_OFF = "webhook_off", "switched off the webhook"
    WEBHOOK_ON = "webhook_on", "switched on the webhook"
    WEBHOOK_REMOVED = "webhook_removed", "removed the webhook"
    SECOND_FACTOR_ADDED = "second_factor_added", "added a second factor"
    SECOND_FACTOR_REMOVED = "second_factor_removed", "removed a second factor"
    RECOVERY_CODES_MADE = "recovery_codes_made", "made new recovery codes"
    PASSWORD_CHANGED = "password_changed", "changed their password"


class AuditEntry(models.Model):
    """One act in an organization. The name of the actor outlives their account."""

    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.CASCADE, related_name="+", db_index=False
    )
    at = models.DateTimeField()
    event = models.CharField(max_length=30)
    detail = models.CharField(max_length=300, blank=True)
    actor = models.ForeignKey("accounts.User", on_delete=models.SET_NULL, null=True, related_name="+")
    actor_name = models.CharField(max_length=254, help_text="A person's address, a key, or rgent itself.")
    ip = models.GenericIPAddressField("address", null=True)

    class Meta:
        verbose_name_plural = "audit entries"
        ordering = ["-id"]
        indexes = [models.Index(fields=["organization", "-id"], name="audit_of_organization")]

    def __str__(self) -> str:
        return f"{self.actor_name} {self.act} {self.detail}".strip()

    @property
    def act(self) -> str:
        """The act in words, as a reader is told of it."""
        return str(AuditEvent(self.event).label)
