"""Pages of accounts, under /app/."""

from django.urls import path

from accounts import invitation_pages

urlpatterns = [
    path("invitations/<str:token>", invitation_pages.invitation, name="invitation"),
]
