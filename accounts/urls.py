"""Pages of accounts, under /app/."""

from django.urls import path

from accounts.pages import invitations, organizations, team

urlpatterns = [
    path("team/", team.team, name="team"),
    path("team/invite", team.send_invitation, name="send_invitation"),
    path("team/invitations/<int:invitation_id>/withdraw", team.withdraw_invitation, name="withdraw_invitation"),
    path("team/<int:member_id>/role", team.set_role, name="set_role"),
    path("team/<int:member_id>/remove", team.remove_person, name="remove_person"),
    path("organization", organizations.choose_organization, name="choose_organization"),
    path("invitations/", invitations.invitation, name="invitation"),
    path("invitations/<str:token>", invitations.open_link, name="invitation_link"),
]
