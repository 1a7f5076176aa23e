"""The `Idempotency-Key` header, for calls that do not stream: a stream is not kept."""

import hashlib

from django.http import HttpRequest

from billing.ledger.idempotency import AlreadyAnswered, Claim
from chat.answers import Answer, json_answer
from chat.cost import COST
from chat.json_objects import InvalidRequest

LONGEST_KEY = 255


def claim_of(request: HttpRequest) -> Claim | None:
    """Return the claim of a request's Idempotency-Key, None without one. Raises InvalidRequest."""
    key = request.headers.get("idempotency-key", "").strip()
    if not key:
        return None
    if len(key) > LONGEST_KEY:
        raise InvalidRequest(f"Idempotency-Key: at most {LONGEST_KEY} characters.")
    return Claim(key_hash=_hash(key.encode()), fingerprint=_hash(request.path.encode(), b"\0", request.body))


def replay(answered: AlreadyAnswered) -> Answer:
    """Return a kept answer, marked as Stripe marks one (docs.stripe.com/api/idempotent_requests). It costs nothing."""
    answer = json_answer(answered.answer)
    answer.headers.update({"idempotent-replayed": "true", "original-request": answered.request_id, COST: "0"})
    return answer


def _hash(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()
