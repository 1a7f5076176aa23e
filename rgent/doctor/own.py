"""The installation itself: settings, database, broker, mail, clock, the way in from outside, staff."""

from collections.abc import Iterator
from datetime import UTC, datetime

import httpx2
import redis
from django.conf import settings
from django.core.mail import get_connection
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from accounts.models import User
from billing.stripe_billing.account import time_at_stripe
from rgent.checks import failed_checks
from rgent.doctor.findings import Finding, good, look, wrong

ANSWERS_WITHIN_S = 10.0
# Stripe takes signatures that are 300 s old, and meter events of the last 35 days but none of the future.
CLOCK_MAY_DIFFER_S, CLOCK_MUST_NOT_DIFFER_S = 5, 60


def mode() -> Iterator[Finding]:
    """Look at the keys and the rules of a start."""
    name = "Sandbox" if settings.SANDBOX else "Live keys" if settings.STRIPE_LIVE_MODE else "Test keys"
    yield good("mode", f"{name}, {'production' if settings.PRODUCTION else 'a laptop'}, at {settings.PUBLIC_URL}.")
    yield from (wrong("settings", sentence) for sentence in failed_checks())
    if settings.PRODUCTION and not settings.STRIPE_LIVE_MODE:
        yield look("mode", "Production with a test key of Stripe: nobody is charged.")
    if not settings.STRIPE_WEBHOOK_SECRET:
        yield wrong("settings", "STRIPE_WEBHOOK_SECRET is not set: webhooks are refused. `doctor --fix` makes one.")


def database() -> Iterator[Finding]:
    """Look at the database and its tables."""
    try:
        executor = MigrationExecutor(connection)
        unapplied = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    except DatabaseError as error:
        yield wrong("database", f"It does not answer: {type(error).__name__}. Look at DATABASE_URL.")
        return
    if unapplied:
        yield wrong("database", f"{unapplied} migrations are to be applied: `manage.py migrate`.")
    else:
        yield good("database", f"{connection.vendor} answers, with the tables of this release.")


def broker() -> Iterator[Finding]:
    """Look at Redis, where it is used."""
    if not settings.REDIS_URL:
        yield good("broker", "Files, as on a laptop.")
        return
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=ANSWERS_WITHIN_S) as server:
            server.ping()
    except redis.RedisError as error:
        yield wrong("broker", f"Redis does not answer: {type(error).__name__}. Look at REDIS_URL.")
    else:
        yield good("broker", "Redis answers.")


def mail() -> Iterator[Finding]:
    """Look whether the mail server lets us in. Nothing is sent."""
    if settings.SANDBOX:
        yield good("mail", f"Kept in the sandbox's mailbox, {settings.PUBLIC_URL}/mail/.")
        return
    server = get_connection()
    try:
        server.open()
        server.close()
    except OSError as error:
        yield wrong("mail", f"The mail server refuses: {error}. Look at EMAIL_URL.")
    else:
        yield good("mail", f"The mail server lets us in; mail comes from {settings.DEFAULT_FROM_EMAIL}.")


def clock() -> Iterator[Finding]:
    """Compare the machine's clock with Stripe's. Raises StripeUnavailable, StripeRejected."""
    told = time_at_stripe()
    if told is None:
        yield look("clock", "Stripe tells no time: compare the machine's clock with another.")
        return
    off_s = abs((datetime.now(UTC) - told).total_seconds())
    if off_s > CLOCK_MUST_NOT_DIFFER_S:
        yield wrong("clock", f"It is {off_s:.0f} s off: Stripe refuses meter events of the future. Run an NTP client.")
    elif off_s > CLOCK_MAY_DIFFER_S:
        yield look("clock", f"It is {off_s:.0f} s off: run an NTP client.")
    else:
        yield good("clock", "It agrees with Stripe's.")


def way_in() -> Iterator[Finding]:
    """Look whether PUBLIC_URL leads here, and whether clients' addresses are known behind a proxy."""
    try:
        answer = httpx2.get(f"{settings.PUBLIC_URL}/healthz", timeout=ANSWERS_WITHIN_S)
        reached = answer.status_code == 200 and answer.json().get("status") == "ok"
    except (httpx2.HTTPError, ValueError) as error:
        yield wrong("proxy", f"{settings.PUBLIC_URL} does not lead here: {type(error).__name__}. Customers come by it.")
        return
    if reached:
        yield good("proxy", f"{settings.PUBLIC_URL} leads here.")
    else:
        yield wrong("proxy", f"{settings.PUBLIC_URL}/healthz answers {answer.status_code}: it does not lead here.")
    if settings.PRODUCTION and not settings.ALLAUTH_TRUSTED_PROXY_COUNT:
        yield wrong("proxy", "TRUSTED_PROXY_COUNT is 0: limits by address would count all customers as the proxy.")


def staff() -> Iterator[Finding]:
    """Look who may use the admin."""
    people = User.objects.filter(is_staff=True, is_active=True)
    without = people.exclude(authenticator__isnull=False).distinct().count()
    if not people.filter(is_superuser=True).exists():
        yield wrong("staff", "There is no superuser: `manage.py createsuperuser`.")
    elif without and not settings.SANDBOX:
        yield look("staff", f"{without} of the staff have no second factor: /accounts/2fa/.")
    else:
        yield good("staff", f"{people.count()} may use the admin.")
