"""Pages of accounts, under /app/."""

from django.urls import path

from accounts.pages import invitations

urlpatterns = [
    path("invitations/<str:token>", invitations.invitation, name="invitation"),
]
