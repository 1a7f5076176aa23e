"""The settings of the offer: what a customer may do, how much of it, and what happens at a limit.

Amounts are US dollars; a limit of 0 is none.
"""

from decimal import Decimal

from rgent.env import env
from rgent.mode import SANDBOX

# --- Calls to Claude ----------------------------------------------------------------------------------------
CLAUDE_CALL_LIMIT_S = env.float("CLAUDE_CALL_LIMIT_S", default=600.0)
CLAUDE_CONNECTIONS = env.int("CLAUDE_CONNECTIONS", default=2000, at_least=1)
ORGANIZATION_CONNECTIONS = env.int(
    "ORGANIZATION_CONNECTIONS", default=0 if SANDBOX else max(CLAUDE_CONNECTIONS // 10, 1)
)
CLAUDE_BETAS = env.list("CLAUDE_BETAS", default=[])
CLAUDE_SERVICE_TIERS = env.list("CLAUDE_SERVICE_TIERS", default=["standard"])
CLAUDE_INFERENCE_GEOS = env.list("CLAUDE_INFERENCE_GEOS", default=["global", "not_available"])
STREAM_ABORT_POLICY = env.choice("STREAM_ABORT_POLICY", "cancel", "drain", default="cancel")

# --- The chat page ------------------------------------------------------------------------------------------
CHAT_PAGE = env.bool("CHAT_PAGE", default=True)
CHAT_KEPT_DAYS = env.int("CHAT_KEPT_DAYS", default=0, at_least=0)
CHAT_MAX_TOKENS = env.int("CHAT_MAX_TOKENS", default=8192, at_least=1)
# A question with its files. Django keeps such a form in memory once its sender is known (rgent/body_limits.py).
CHAT_BODY_BYTES = DATA_UPLOAD_MAX_MEMORY_SIZE = FILE_UPLOAD_MAX_MEMORY_SIZE = 16 * 1024 * 1024

# --- The API's requests -------------------------------------------------------------------------------------
SIDE_CALLS_PER_MINUTE = env.int("SIDE_CALLS_PER_MINUTE", default=1000, at_least=1)
API_MAX_BODY_BYTES = 32 * 1024 * 1024
# The head of a request must be whole after this long. Its body must come at this rate on average, after a grace.
API_HEAD_LIMIT_S = 10.0
API_BODY_GRACE_S = 15.0
API_BODY_BYTES_PER_S = 32 * 1024
# How long a connection stays open after an answer to a request whose body was not read.
API_LINGER_S = 5.0

# --- The trial ----------------------------------------------------------------------------------------------
TRIAL_TOKENS = env.int("TRIAL_TOKENS", default=0 if SANDBOX else 500_000)
TRIAL_DOLLARS = env.amount("TRIAL_DOLLARS", default=Decimal(0 if SANDBOX else 2))
TRIAL_SERVER_TOOLS = env.bool("TRIAL_SERVER_TOOLS", default=SANDBOX)
TRIAL_ONCE_PER_MAILBOX = env.bool("TRIAL_ONCE_PER_MAILBOX", default=not SANDBOX)
TRIALS_TOKENS_A_DAY = env.int("TRIALS_TOKENS_A_DAY", default=0 if SANDBOX else 20_000_000)

# --- Money --------------------------------------------------------------------------------------------------
STRIPE_TAX = env.bool("STRIPE_TAX", default=False)
DISPUTES_SUSPEND = env.choice("DISPUTES_SUSPEND", "never", "lost", "open", default="lost")
PRICE_NOTICE_DAYS = env.int("PRICE_NOTICE_DAYS", default=14, at_least=0)
DEFAULT_CAP = env.int("DEFAULT_CAP", default=0)
UNUSUAL_SPEND_FACTOR = env.int("UNUSUAL_SPEND_FACTOR", default=10)
UNUSUAL_SPEND_FROM = env.int("UNUSUAL_SPEND_FROM", default=50)

# --- Accounts and mails -------------------------------------------------------------------------------------
CLOSED_KEPT_DAYS = env.int("CLOSED_KEPT_DAYS", default=30)
MAILS_A_DAY_PER_RECEIVER = env.int("MAILS_A_DAY_PER_RECEIVER", default=0 if SANDBOX else 30)
INVITATIONS_A_DAY = env.int("INVITATIONS_A_DAY", default=0 if SANDBOX else 100)
SIGN_UPS_A_DAY = env.int("SIGN_UPS_A_DAY", default=0 if SANDBOX else 500)
SIGN_UPS_A_DAY_PER_NETWORK = env.int("SIGN_UPS_A_DAY_PER_NETWORK", default=0 if SANDBOX else 30)
