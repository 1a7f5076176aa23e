"""Pages of accounts, under /app/."""

from django.urls import path

from accounts.pages import invitations

urlpatterns = [
    path("invitations/", invitations.invitation, name="invitation"),
    path("invitations/<str:token>", invitations.open_link, name="invitation_link"),
]
