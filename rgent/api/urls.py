"""Routes of the API."""

from django.urls import path

from chat import api
from chat.openai.views import chat_completions

# Async views, which django-stubs does not know of.
urlpatterns = [
    path("chat", api.chat),  # type: ignore[arg-type]
    path("v1/messages", api.messages),  # type: ignore[arg-type]
    path("v1/messages/count_tokens", api.count_tokens),  # type: ignore[arg-type]
    path("v1/chat/completions", chat_completions),  # type: ignore[arg-type]
    path("v1/models", api.models),  # type: ignore[arg-type]
    path("v1/models/<str:model_id>", api.model),  # type: ignore[arg-type]
]
