"""Every setting of rgent, once, from the environment. `.env.example` explains each variable.

The mode with its addresses stands in rgent/mode.py, the offer and its limits in rgent/selling.py, the beat in
rgent/beat.py, watching in rgent/operating.py; all else is here.
"""

from urllib.parse import urlsplit

from django.templatetags.static import static

from rgent.admin_colours import PRIMARY
from rgent.beat import BEAT_SCHEDULE, QUEUES, ROUTES
from rgent.env import BASE_DIR, env, local_secret
from rgent.management_api.document import DOCUMENT
from rgent.mode import *  # noqa: F403 -- Django reads every name of these three here
from rgent.mode import (
    ANTHROPIC_API_KEY,
    PORT,
    PRODUCTION,
    PUBLIC_URL,
    SANDBOX,
    SANDBOX_URL,
    STRIPE_SECRET_KEY,
    VAR_DIR,
)
from rgent.operating import *  # noqa: F403
from rgent.selling import *  # noqa: F403

# --- Vendors ----------------------------------------------------------------------------------------------
STRIPE_HOST = "https://api.stripe.com"
STRIPE_METER_EVENTS_HOST = "https://meter-events.stripe.com"
ANTHROPIC_HOST = "https://api.anthropic.com"
STRIPE_API_BASE = env.url("STRIPE_API_BASE", "https", "http", default=SANDBOX_URL if SANDBOX else STRIPE_HOST)
STRIPE_METER_EVENTS_BASE = STRIPE_METER_EVENTS_HOST if STRIPE_API_BASE == STRIPE_HOST else STRIPE_API_BASE
STRIPE_TIMEOUT_S = env.float("STRIPE_TIMEOUT_S", default=15.0)
STRIPE_EVENTS_KEPT_DAYS = env.int("STRIPE_EVENTS_KEPT_DAYS", default=30)
ANTHROPIC_BASE_URL = env.url("ANTHROPIC_BASE_URL", "https", "http", default=SANDBOX_URL if SANDBOX else ANTHROPIC_HOST)
STRIPE_WEBHOOK_SECRET = env.str("STRIPE_WEBHOOK_SECRET", default="")
# Billing time comes from the sandbox's clock in the sandbox mode, so that "a month later" is one click.
BILLING_CLOCK_URL = f"{SANDBOX_URL}/_sandbox/clock" if SANDBOX else ""
if SANDBOX:
    STRIPE_SECRET_KEY = "sk_test_" + "sandbox0" * 4
    STRIPE_WEBHOOK_SECRET = "whsec_" + local_secret(path=VAR_DIR / "webhook_secret")
    ANTHROPIC_API_KEY = "sandbox"

# dj-stripe's own names for the same.
STRIPE_LIVE_MODE = STRIPE_SECRET_KEY.startswith(("sk_live_", "rk_live_"))
if STRIPE_LIVE_MODE:
    STRIPE_LIVE_SECRET_KEY = STRIPE_SECRET_KEY
else:
    STRIPE_TEST_SECRET_KEY = STRIPE_SECRET_KEY
if STRIPE_API_BASE != STRIPE_HOST:
    STRIPE_API_HOST = STRIPE_API_BASE
DJSTRIPE_FOREIGN_KEY_TO_FIELD = "id"
DJSTRIPE_SUBSCRIBER_MODEL = "accounts.Organization"
DJSTRIPE_SUBSCRIBER_MODEL_MIGRATION_DEPENDENCY = "0001_initial"
# dj-stripe's own history takes a minute to apply; docs/decisions/0003 tells how this one is made.
MIGRATION_MODULES = {"djstripe": "rgent.djstripe_schema"}

# --- Django -----------------------------------------------------------------------------------------------
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[]) or [urlsplit(PUBLIC_URL).hostname or "127.0.0.1"]
if not PRODUCTION:
    ALLOWED_HOSTS += ["127.0.0.1", "localhost", "[::1]"]
CORS_ALLOWED_ORIGINS = env.origins("CORS_ALLOWED_ORIGINS")
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
ROOT_URLCONF = "rgent.urls"
API_URLCONF = "rgent.api.urls"
ASGI_APPLICATION = "rgent.asgi.application"
APPEND_SLASH = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "djstripe",  # before billing: its webhook receivers store an object before ours read it
    "rgent.apps.RgentConfig",
    "chat.apps.ChatConfig",
    "billing.apps.BillingConfig",
    "accounts.apps.AccountsConfig",
    "unfold",
    "unfold.contrib.simple_history",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "drf_spectacular",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "simple_history",
]
MIDDLEWARE = [
    "rgent.middleware.JsonErrorsMiddleware",
    "rgent.middleware.HealthMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "servestatic.middleware.ServeStaticMiddleware",
    "csp.middleware.CSPMiddleware",
    "rgent.middleware.PagePolicyMiddleware",
    "rgent.middleware.SoundRequestMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "rgent.middleware.SecondFactorPagesMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "rgent.context.site",
                "rgent.context.organizations",
                "rgent.context.reader",
            ],
        },
    }
]

# --- Management API ---------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.api.authentication.ManagementKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_THROTTLE_CLASSES": ["billing.api.throttle.ManagementThrottle"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["common.rest.json_body.StrictJsonParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "rgent.management_api.errors.management_error",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = DOCUMENT

# --- Data -------------------------------------------------------------------------------------------------
# FULL, since a settled record must survive a power cut; one group commit serves many requests.
SQLITE_OPTIONS = {
    "timeout": 20,
    "transaction_mode": "IMMEDIATE",
    "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;",
}
DATABASES = {"default": env.db("DATABASE_URL", default=f"sqlite:///{VAR_DIR / 'rgent.sqlite3'}")}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = SQLITE_OPTIONS
else:
    # The pool serves pages, tasks and commands; threads behind the API connect directly (common/outage.py). An attempt
    # that fails is given up, and the next request makes another: the pool's own retries pause ever longer.
    _POOL = {
        "min_size": 1,
        "max_size": env.int("DATABASE_POOL", default=16, at_least=1),
        "timeout": 10,
        "reconnect_timeout": 1,
    }
    # An address may say otherwise, as ?sslmode=. Times are in seconds, tcp_user_timeout in milliseconds.
    DATABASES["default"]["OPTIONS"] = {
        "connect_timeout": 2,
        "tcp_user_timeout": 5000,
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        **DATABASES["default"].get("OPTIONS", {}),
        "pool": _POOL,
    }
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True  # a page gets no connection that died in the pool

REDIS_URL = env.url("REDIS_URL", "redis", "rediss", "unix", default="")
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}

# --- Celery -----------------------------------------------------------------------------------------------
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # a worker waits for its broker, however long that is away
CELERY_TIMEZONE = "UTC"
if REDIS_URL:
    CELERY_BROKER_URL = REDIS_URL
    CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, object] = {
        "visibility_timeout": 7200,  # above the longest task's time limit
        "socket_timeout": 10,
        "socket_connect_timeout": 5,
    }
else:
    CELERY_BROKER_URL = "files://localhost//"
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(VAR_DIR / "broker" / "queue"),
        "data_folder_out": str(VAR_DIR / "broker" / "queue"),
        "control_folder": str(VAR_DIR / "broker" / "control"),
        "store_processed": False,
        "polling_interval": 0.2,
    }
    CELERY_WORKER_PREFETCH_MULTIPLIER = 50
CELERY_TASK_DEFAULT_QUEUE = "celery"
CELERY_TASK_QUEUES = QUEUES
CELERY_TASK_ROUTES = ROUTES
CELERY_BEAT_SCHEDULE = BEAT_SCHEDULE
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "celerybeat-schedule")

# --- People -----------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "overview"
ACCOUNT_LOGOUT_REDIRECT_URL = "landing"
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_FORMS = {"signup": "accounts.forms.SignUpForm"}
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND = True
ACCOUNT_PASSWORD_RESET_BY_CODE_ENABLED = True
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 600
MFA_ADAPTER = "accounts.second_factors.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_TOTP_ISSUER = "rgent"
MFA_TOTP_TOLERANCE = 1  # a phone's clock may be half a minute off
TERMS_URL = env.url("TERMS_URL", "https", "http", default="")
TERMS_VERSION = env.str("TERMS_VERSION", default="1")
MAIL_DOMAINS_WITHOUT_DOTS = env.list("MAIL_DOMAINS_WITHOUT_DOTS", default=["gmail.com", "googlemail.com"])
ACCOUNT_RATE_LIMITS = {"reset_password": "20/m/ip"}  # by receiver and network: accounts/mail_budget.py
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", default=0)

DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="rgent <no-reply@localhost>")
EMAIL_TIMEOUT = 10
MAIL_IN_BACKGROUND = not SANDBOX
EMAIL_BACKEND = "rgent.laptop.mailbox.MailboxBackend"
MAILBOX_DIR = VAR_DIR / "mail"
if not SANDBOX:
    EMAIL_CONFIG = env.email("EMAIL_URL", default="consolemail://")
    vars().update(EMAIL_CONFIG)

# --- Pages ------------------------------------------------------------------------------------------------
PRIVACY_URL = env.url("PRIVACY_URL", "https", "http", default="")
CONTACT_URL = env.url("CONTACT_URL", "https", "http", "mailto", default="")
STATUS_URL = env.url("STATUS_URL", "https", "http", default="")
CHANGELOG_URL = env.url("CHANGELOG_URL", "https", "http", default="")
LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
if PRODUCTION:
    STORAGES = {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "staticfiles": {"BACKEND": "servestatic.storage.CompressedManifestStaticFilesStorage"},
    }
else:
    SERVESTATIC_USE_FINDERS = True
    SERVESTATIC_AUTOREFRESH = True
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
UNFOLD = {
    "SITE_TITLE": "rgent admin",
    "SITE_HEADER": "rgent",
    "SITE_SUBHEADER": "Sandbox" if SANDBOX else "Live" if STRIPE_LIVE_MODE else "Test keys",
    "SITE_URL": "/",
    "SITE_SYMBOL": "token",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("mark.svg")}],
    "COLORS": {"primary": PRIMARY},
    "LOGIN": {"form": "accounts.admin_login.AdminLoginForm"},
    "DASHBOARD_CALLBACK": "rgent.admin_menu.dashboard",
    "SIDEBAR": {"show_search": True, "navigation": "rgent.admin_menu.sidebar"},
}

# --- Security ---------------------------------------------------------------------------------------------
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"  # not Strict: people come back from Stripe signed in
if not PRODUCTION:
    SESSION_COOKIE_NAME = f"sessionid_{PORT}"  # cookies know no ports: two copies side by side would log each other out
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
        "form-action": [
            "'self'",
            "https://checkout.stripe.com",
            "https://billing.stripe.com",
            "https://invoice.stripe.com",
            *([SANDBOX_URL] if SANDBOX else []),
        ],
    },
}
# django-unfold's pages state what they do in attributes, which Alpine evaluates, and colours in a style element.
ADMIN_CONTENT_SECURITY_POLICY = {
    "script-src": ["'self'", "'unsafe-eval'"],
    "style-src": ["'self'", "'unsafe-inline'"],
}
# Pages use none of these. Copying to the clipboard is left as browsers have it.
PERMISSIONS_POLICY = ", ".join(
    f"{feature}=()" for feature in ("camera", "display-capture", "geolocation", "microphone", "payment", "usb")
)
if PRODUCTION:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=True)
    SECURE_REDIRECT_EXEMPT = [r"^health$"]
    SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=31_536_000)
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    # Browsers take a cookie of this name from this host alone, over https: no sibling domain can plant one.
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
# SECURE_SSL_REDIRECT=0 says that the proxy redirects.
SILENCED_SYSTEM_CHECKS = ["security.W008"] if PRODUCTION else ["djstripe.W002"]

# --- Logs -------------------------------------------------------------------------------------------------
LOG_LEVEL = env.choice("LOG_LEVEL", "DEBUG", "INFO", "WARNING", "ERROR", default="INFO")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": f"rgent.logs.{'JsonLines' if PRODUCTION else 'ReadableLines'}"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        name: {"handlers": ["console"], "level": LOG_LEVEL, "propagate": False}
        for name in ("rgent", "accounts", "billing", "chat")
    },
}
