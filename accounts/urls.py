"""Pages of accounts, under /app/."""

from django.urls import path

from accounts import invitation_pages, views

urlpatterns = [
    path("keys/", views.keys, name="keys"),
    path("keys/create", views.create_key, name="key_create"),
    path("keys/<int:api_key_id>/revoke", views.revoke_key, name="key_revoke"),
    path("invitations/<str:token>", invitation_pages.invitation, name="invitation"),
]
