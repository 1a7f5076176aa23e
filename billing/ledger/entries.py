"""Entries of the ledger, their outcomes, and the reasons for which a request is refused."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field

from billing.ledger.idempotency import Claim, Repeated
from billing.models import IdempotencyKey, UsageRecord
from billing.plans.price_lists import PriceList
from billing.tokens import CACHE_WRITES, TokenClass, TokenUsage


class NotEntitled(Exception):
    """The organization may not make this request. The message says what to do."""


class TrialExhausted(NotEntitled):
    """The free trial ended: its requests or its tokens are used up, or it excludes the request."""


class SubscriptionSuspended(NotEntitled):
    """The subscription is unpaid."""


class OrganizationStopped(NotEntitled):
    """The operator suspended the organization."""


class ModelStopped(NotEntitled):
    """The operator took the model out of service, for everybody or for the organization."""


class ModelNotInPlan(NotEntitled):
    """The plan does not include the model."""


class UnknownModel(NotEntitled):
    """No plan knows the model."""


class ModelRetired(NotEntitled):
    """Claude serves the model no more. The message names its successor."""


class SpendingCapReached(NotEntitled):
    """The spending cap leaves too little for the request."""


class InputNotCounted(SpendingCapReached):
    """A cap has no room for the bound of a request's input. A count of the input may fit it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    """A request before its call to Claude. Without a `model` it gets the plan's first that its key may use.

    `key_models` are the key's own; empty means all of the plan's. `input_tokens` bounds its input from above,
    `cache_writes` are the ways in which it may write to the cache, and `more_output_tokens` come beside `max_tokens`.
    Where the input is `countable`, a cap without room for all of it asks for a count in place of clamping.
    With `server_tools` Claude runs tools of its own.
    """

    request_id: str
    organization_id: int
    api_key_id: int | None
    model: str
    input_tokens: int
    max_tokens: int
    cache_writes: frozenset[TokenClass] = CACHE_WRITES
    more_output_tokens: int = 0
    countable: bool = False
    server_tools: bool = False
    streamed: bool = False
    project_id: int | None = None
    key_models: tuple[str, ...] = ()
    claim: Claim | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Leave to call Claude, with at most `max_tokens` of output. A `notice` tells the caller that a model retires."""

    record: UsageRecord
    prices: PriceList
    max_tokens: int
    trial_requests_remaining: int | None
    idempotency_key: IdempotencyKey | None = None
    notice: str = ""

    @property
    def request_id(self) -> str:
        """The request's public id."""
        return self.record.request_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Settle:
    """A request Claude answered: the tokens it used, and how often Claude ran which tool of its own, which is free.

    The `answer` is kept where the request has an idempotency key.
    """

    grant: Grant
    usage: TokenUsage
    server_tool_use: Mapping[str, int] = field(default_factory=dict)
    outcome: str = ""
    upstream_request_id: str = ""
    estimated: bool = False
    unbilled_output_tokens: int = 0
    unreadable: Set[str] = frozenset()
    answer: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Void:
    """A request that failed: it costs nothing and gives its trial request back.

    Where Claude `may_have_served` it all the same, the record becomes abandoned, so that it is not forgotten.
    """

    grant: Grant
    outcome: str
    upstream_request_id: str = ""
    may_have_served: bool = False


Entry = Begin | Settle | Void
# A Begin's outcome is its Grant, the reason it was refused, or what became of the request it repeats; an ending's is
# whether it closed the record.
Outcome = Grant | NotEntitled | Repeated | bool
