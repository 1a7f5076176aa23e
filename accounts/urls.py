"""Pages of accounts, under /app/."""

from django.urls import path

from accounts.pages import audit_log, invitations, organizations, profile, sessions, team

urlpatterns = [
    path("team/", team.team, name="team"),
    path("team/invite", team.send_invitation, name="send_invitation"),
    path("team/invitations/<int:invitation_id>/withdraw", team.withdraw_invitation, name="withdraw_invitation"),
    path("team/<int:member_id>/role", team.set_role, name="set_role"),
    path("team/<int:member_id>/remove", team.remove_person, name="remove_person"),
    path("terms", profile.terms, name="terms"),
    path("settings/", profile.profile, name="profile"),
    path("settings/close", profile.close, name="close_account"),
    path("settings/sessions/", sessions.sessions, name="sessions"),
    path("settings/sessions/<int:session_id>/end", sessions.end_session, name="end_session"),
    path("settings/sessions/end", sessions.end_others, name="end_other_sessions"),
    path("settings/log/", audit_log.audit_log, name="audit_log"),
    path("looking/stop", organizations.stop_looking, name="stop_looking"),
    path("organization", organizations.choose_organization, name="choose_organization"),
    path("invitations/", invitations.invitation, name="invitation"),
    path("invitations/<str:token>", invitations.open_link, name="invitation_link"),
]
