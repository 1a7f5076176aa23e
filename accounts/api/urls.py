"""Routes of the management API's accounts part, under /api/v1/."""

from django.urls import path

from accounts.api import invitations, keys, members

urlpatterns = [
    path("members", members.MembersView.as_view()),
    path("members/<int:member_id>", members.MemberView.as_view()),
    path("invitations", invitations.InvitationsView.as_view()),
    path("invitations/<int:invitation_id>", invitations.InvitationView.as_view()),
    path("keys", keys.KeysView.as_view()),
    path("keys/<int:key_id>", keys.KeyView.as_view()),
    path("keys/<int:key_id>/revoke", keys.KeyRevocationView.as_view()),
]
