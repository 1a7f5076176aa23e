"""Conversations of the chat page. The API stores no prompts; these rows are the page's alone, each a person's own."""

from typing import Any

from django.db import models

from accounts.models import Membership, Organization


class Conversation(models.Model):
    """One person's conversation, in the name of one of their organizations. It goes when they leave that.

    `current` is the last message of the branch that is shown.
    """

    membership = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="+", db_index=False)
    title = models.CharField(max_length=120, blank=True)
    model = models.CharField(max_length=100)
    system = models.TextField("instructions", blank=True)
    thinks = models.BooleanField(default=False, help_text="Whether Claude is asked to think before it answers.")
    current = models.ForeignKey("Message", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(help_text="In billing time.")
    changed_at = models.DateTimeField(
        help_text="In billing time: the last message. Decides its place and how long it is kept."
    )

    class Meta:
        ordering = ["-changed_at", "-id"]
        indexes = [
            models.Index(fields=["membership", "-changed_at", "-id"], name="conversations_of_member"),
            models.Index(fields=["changed_at"], name="conversations_by_age"),
        ]

    def __str__(self) -> str:
        return self.title or f"Conversation {self.pk}"


class Message(models.Model):
    """A question or an answer: a node of the conversation's tree. Children of one parent are branches.

    An answer is `writing` until it is `done`, `stopped` or `failed`. Its cost stands in the ledger, under `request_id`.
    """

    class Role(models.TextChoices):
        """The two sides, by Claude's words for them."""

        USER = "user"
        ASSISTANT = "assistant"

    class State(models.TextChoices):
        """How far a message is."""

        WRITING = "writing"
        DONE = "done"
        STOPPED = "stopped"
        FAILED = "failed"

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="messages")
    parent = models.ForeignKey("self", on_delete=models.CASCADE, null=True, related_name="children")
    role = models.CharField(max_length=10, choices=Role)
    state = models.CharField(max_length=10, choices=State, default=State.DONE)
    content = models.JSONField(default=list, help_text="Claude's content blocks, without attached files.")
    text = models.TextField(blank=True, help_text="The words alone: searched, exported, and shown of a question.")
    html = models.TextField(blank=True, help_text="The answer's words typeset and sanitised, once it is over.")
    model = models.CharField(max_length=100, blank=True)
    stop_reason = models.CharField(max_length=100, blank=True)
    failure = models.CharField(max_length=20, blank=True, help_text="The kind of failure.")
    failure_text = models.TextField(blank=True)
    request_id = models.CharField(max_length=40, blank=True, db_index=True)
    # A form that is sent twice, as after a cut network, makes one message.
    nonce = models.CharField(max_length=40, unique=True, null=True)  # noqa: DJ001 - unique where there is one
    stop_asked = models.BooleanField(default=False)
    created_at = models.DateTimeField(help_text="In billing time.")
    alive_at = models.DateTimeField(null=True, help_text="In wall time: when its process last wrote to it.")

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.role} {self.pk}"


class Attachment(models.Model):
    """A picture or a PDF of a question."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="attachments")
    name = models.CharField(max_length=200)
    media_type = models.CharField(max_length=50)
    data = models.BinaryField()
    size = models.PositiveIntegerField(help_text="In bytes.")

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name


class ChatSwitch(models.Model):
    """An organization whose owner has switched the chat page off."""

    organization = models.OneToOneField(Organization, on_delete=models.CASCADE, related_name="+")
    switched_off_at = models.DateTimeField(help_text="In billing time.")

    def __str__(self) -> str:
        return f"{self.organization}: no chat page"


Block = dict[str, Any]
