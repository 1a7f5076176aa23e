"""A person's sessions: where they are signed in, and ending those that are not wanted."""

import re
from dataclasses import dataclass
from datetime import datetime

from allauth.usersessions.internal.flows.sessions import end_other_sessions, end_sessions
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.access_log import note
from accounts.models import User
from accounts.recent_sign_in import require_confirmation

# The first that a browser's own name for itself contains. Chromium's kin name themselves beside Chrome.
BROWSERS = [("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari")]
SYSTEMS = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """One session, ready for a page."""

    id: int
    browser: str
    ip: str
    began_at: datetime
    is_current: bool


@require_safe
@never_cache
@login_required
def sessions(request: HttpRequest) -> HttpResponse:
    """List the sessions of a person, the one they ask from first."""
    assert isinstance(request.user, User)  # noqa: S101 - login_required
    rows = [_row(each) for each in UserSession.objects.purge_and_list(request.user)]
    rows.sort(key=lambda row: (not row.is_current, -row.began_at.timestamp()))
    return render(request, "accounts/sessions.html", {"sessions": rows, "has_others": len(rows) > 1})


@require_POST
@login_required
def end_session(request: HttpRequest, *, session_id: int) -> HttpResponse:
    """End one session of the person's."""
    found = list(UserSession.objects.filter(user_id=request.user.pk, id=session_id))
    end_sessions(request, found)
    if not request.user.is_authenticated:
        return redirect("account_login")
    if found:
        note("session ended", user_id=request.user.pk)
        messages.success(request, "That session is ended.")
    return redirect("sessions")


@require_POST
@login_required
def end_others(request: HttpRequest) -> HttpResponse:
    """End every session of the person's but this one. Raises ReauthenticationRequired."""
    require_confirmation(request)
    assert isinstance(request.user, User)  # noqa: S101 - login_required
    end_other_sessions(request, request.user)
    note("other sessions ended", user_id=request.user.pk)
    messages.success(request, "You are signed out everywhere else.")
    return redirect("sessions")


def _row(session: UserSession) -> SessionRow:
    return SessionRow(
        id=session.pk,
        browser=browser_of(session.user_agent),
        ip=session.ip,
        began_at=session.created_at,
        is_current=session.is_current(),
    )


def browser_of(user_agent: str) -> str:
    """Return browser and system in words, such as "Firefox on Linux", from what a browser tells of itself."""
    browser = next((name for mark, name in BROWSERS if re.search(rf"\b{mark}", user_agent)), "A browser")
    system = next((name for mark, name in SYSTEMS if mark in user_agent), "")
    return f"{browser} on {system}" if system else browser
