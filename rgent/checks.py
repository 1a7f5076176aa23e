"""System checks of rules that span settings: production is never a silent sandbox."""

from typing import Any

from django.conf import settings
from django.core.checks import Error, register


@register("rgent")
def check_mode(**kwargs: Any) -> list[Error]:
    """Refuse mixtures of modes that could sell for nothing or charge by mistake."""
    return _check_production() if settings.PRODUCTION else _check_laptop()


def _check_production() -> list[Error]:
    errors = []
    for name in ("STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET", "ANTHROPIC_API_KEY"):
        if not getattr(settings, name):
            errors.append(Error(f"Production (DEBUG=0) needs {name}.", id="rgent.E001"))
    for name in ("STRIPE_API_BASE", "ANTHROPIC_BASE_URL"):
        if not getattr(settings, name).startswith("https://"):
            errors.append(Error(f"{name} is no https address: production never calls a sandbox.", id="rgent.E002"))
    if settings.DATABASES["default"]["ENGINE"] != "django.db.backends.postgresql":
        errors.append(Error("Production needs PostgreSQL: set DATABASE_URL.", id="rgent.E003"))
    if settings.EMAIL_BACKEND == "django.core.mail.backends.console.EmailBackend":
        errors.append(Error("Production needs EMAIL_URL: codes and resets are sent by e-mail.", id="rgent.E007"))
    if not settings.REDIS_URL:
        errors.append(Error("Production needs Redis: set REDIS_URL.", id="rgent.E004"))
    return errors


def _check_laptop() -> list[Error]:
    errors = []
    if settings.STRIPE_LIVE_MODE:
        errors.append(Error("A live Stripe key charges real cards: set DEBUG=0, or use a test key.", id="rgent.E005"))
    if not settings.SANDBOX and not (settings.STRIPE_SECRET_KEY and settings.ANTHROPIC_API_KEY):
        missing = "ANTHROPIC_API_KEY" if settings.STRIPE_SECRET_KEY else "STRIPE_SECRET_KEY"
        errors.append(Error(f"Set {missing} as well, or neither key to run in the sandbox mode.", id="rgent.E006"))
    return errors
