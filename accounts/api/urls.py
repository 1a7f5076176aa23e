"""Routes of the management API's accounts part, under /api/v1/."""

from django.urls import path

from accounts.api import invitations, members

urlpatterns = [
    path("members", members.MembersView.as_view()),
    path("members/<int:member_id>", members.MemberView.as_view()),
    path("invitations", invitations.InvitationsView.as_view()),
    path("invitations/<int:invitation_id>", invitations.InvitationView.as_view()),
]
