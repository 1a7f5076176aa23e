"""The path to Claude."""

from django.apps import AppConfig


class ChatConfig(AppConfig):
    """The API that answers with Claude."""

    name = "chat"
    verbose_name = "Chat"
