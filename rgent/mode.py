"""The mode: a laptop with the sandbox, test keys, or production; and the addresses and secrets that follow from it."""

from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from rgent.env import env, local_secret, state_dir

# `DEBUG=0` means production. Unset means a laptop; `DEBUG=1` adds Django's debug pages to that.
PRODUCTION = not env.bool("DEBUG", default=True)
DEBUG = env.bool("DEBUG", default=False)

STRIPE_SECRET_KEY = env.str("STRIPE_SECRET_KEY", default="")
ANTHROPIC_API_KEY = env.str("ANTHROPIC_API_KEY", default="")
SANDBOX = not PRODUCTION and not STRIPE_SECRET_KEY and not ANTHROPIC_API_KEY

VAR_DIR: Path = state_dir()
PORT = env.port("PORT", default=8000)
SANDBOX_PORT = env.port("SANDBOX_PORT", default=8001)
SANDBOX_URL = f"http://127.0.0.1:{SANDBOX_PORT}"
PUBLIC_URL = env.url("PUBLIC_URL", "https", "http", default=f"http://127.0.0.1:{PORT}")

if PRODUCTION:
    SECRET_KEY = env.str("SECRET_KEY", default="")
    if not SECRET_KEY:
        raise ImproperlyConfigured(
            "DEBUG=0 means production, and production needs SECRET_KEY: set it to a long random text."
        )
else:
    SECRET_KEY = env.str("SECRET_KEY", default="") or local_secret(path=VAR_DIR / "secret_key")

SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
