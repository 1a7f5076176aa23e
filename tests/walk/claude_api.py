"""The answers on the path to Claude, which has a handler of its own, to every kind of key.

Keys are those of the management API's table. `!` says that a usage record is written. A method without a line is a 405.
"""

from tests.factories import HAIKU
from tests.walk.table import read_table

CLAUDE_API = read_table("""
                                  nobody  unknown  revoked  manage  chat  stranger
POST /chat                        401     401      401      403     200!  200!
POST /v1/messages                 401     401      401      403     200!  200!
POST /v1/chat/completions         401     401      401      403     200!  200!
POST /v1/messages/count_tokens    401     401      401      403     200   200
GET  /v1/models                   401     401      401      403     200   200
GET  /v1/models/<str:model_id>    401     401      401      403     200   200
""")
# Other forms of the same addresses, as clients with another base URL make them.
ALIASES = {
    "//chat": "/chat",
    "/messages": "/v1/messages",
    "/v1/v1/messages": "/v1/messages",
    "/chat/completions": "/v1/chat/completions",
    "/v1//messages/count_tokens": "/v1/messages/count_tokens",
    "/models": "/v1/models",
}
_MESSAGE = {"model": HAIKU, "max_tokens": 5, "messages": [{"role": "user", "content": "Hi"}]}
BODIES = {
    "/chat": {"prompt": "Hi", "max_tokens": 5},
    "/v1/messages": _MESSAGE,
    "/v1/chat/completions": _MESSAGE,
    "/v1/messages/count_tokens": {"model": HAIKU, "messages": _MESSAGE["messages"]},
}
