"""Pages of the chat, under /app/."""

from django.urls import path

from chat.pages import conversations, live, managing, sending, settings

urlpatterns = [
    path("chat/", conversations.new, name="chat_page"),
    path("chat/send", sending.send, name="chat_send"),
    path("chat/cost", sending.cost, name="chat_cost"),
    path("chat/<int:conversation_id>/", conversations.conversation, name="conversation"),
    path("chat/<int:conversation_id>/send", sending.send, name="conversation_send"),
    path("chat/<int:conversation_id>/again", sending.again, name="conversation_again"),
    path("chat/<int:conversation_id>/stop", sending.stop, name="conversation_stop"),
    path("chat/<int:conversation_id>/branch", sending.branch, name="conversation_branch"),
    path("chat/<int:conversation_id>/live/<int:message_id>", live.live, name="conversation_live"),
    path("chat/<int:conversation_id>/rename", managing.rename, name="conversation_rename"),
    path("chat/<int:conversation_id>/delete", managing.delete, name="conversation_delete"),
    path("chat/<int:conversation_id>/code", managing.code, name="conversation_code"),
    path("chat/<int:conversation_id>/conversation.md", managing.markdown_file, name="conversation_markdown"),
    path("chat/<int:conversation_id>/conversation.json", managing.json_file, name="conversation_json"),
    path("settings/chat/", settings.chat_settings, name="chat_settings"),
]
