"""System checks of rules that span settings: production is never a silent sandbox, no key stands in the wrong place.

`manage.py up`, web, worker and beat refuse to start where one of them fails.
"""

import re
from typing import Any

from django.conf import settings
from django.core.checks import WARNING, Error, register, run_checks

STRIPE_SECRET_KEY = re.compile(r"(sk|rk)_(test|live)_\w+")
STRIPE_WEBHOOK_SECRET = re.compile(r"whsec_\S+")
# A gateway in Claude's place may have keys of any form: only the keys of others are refused.
OF_STRIPE = re.compile(r"(sk|rk|pk|whsec)_")


@register("rgent")
def check_mode(**kwargs: Any) -> list[Error]:
    """Refuse mixtures of modes that could sell for nothing or charge by mistake."""
    return _check_keys() + (_check_production() if settings.PRODUCTION else _check_laptop())


def failed_checks() -> list[str]:
    """Return a sentence for each rule of a start that is broken; in production also those of `check --deploy`."""
    tags = ["rgent", "security"] if settings.PRODUCTION else ["rgent"]
    messages = run_checks(tags=tags, include_deployment_checks=settings.PRODUCTION)
    return [message.msg for message in messages if message.is_serious(WARNING) and not message.is_silenced()]


def _check_keys() -> list[Error]:
    """Refuse keys of the wrong form. The messages repeat none of them."""
    errors = []
    stripe_key, anthropic_key = settings.STRIPE_SECRET_KEY, settings.ANTHROPIC_API_KEY
    if stripe_key.startswith("pk_"):
        message = "STRIPE_SECRET_KEY holds a publishable key (pk_...): set the secret one, which begins with sk_."
        errors.append(Error(message, id="rgent.E008"))
    elif stripe_key and not STRIPE_SECRET_KEY.fullmatch(stripe_key):
        message = (
            "STRIPE_SECRET_KEY is no secret key of Stripe: one begins with sk_test_, sk_live_, rk_test_ or rk_live_."
        )
        errors.append(Error(message, id="rgent.E008"))
    if settings.STRIPE_WEBHOOK_SECRET and not STRIPE_WEBHOOK_SECRET.fullmatch(settings.STRIPE_WEBHOOK_SECRET):
        message = "STRIPE_WEBHOOK_SECRET is no signing secret of a webhook endpoint: one begins with whsec_."
        errors.append(Error(message, id="rgent.E009"))
    if OF_STRIPE.match(anthropic_key):
        errors.append(Error("ANTHROPIC_API_KEY holds a key of Stripe: set Anthropic's.", id="rgent.E010"))
    return errors


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
