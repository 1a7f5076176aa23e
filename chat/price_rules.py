"""Fields that change Claude's price: the values that are sold here, and a refusal for any other.

A plan has prices for tokens of its models at standard speed, anywhere, on the account's own tier. The betas of the
`anthropic-beta` header are in `betas`.
"""

from collections.abc import Callable, Mapping
from typing import Any

from chat.input_kinds import ADVISOR
from chat.json_objects import InvalidRequest


def check_price(body: Mapping[str, Any]) -> None:
    """Raise InvalidRequest for a field whose value Claude charges at a rate that no plan has."""
    for name, (is_sold, sentence) in PRICE_RULES.items():
        if name in body and not is_sold(body[name]):
            raise InvalidRequest(f"{name}: {sentence}")


def check_tool(tool: Mapping[str, Any]) -> None:
    """Raise InvalidRequest for a tool that calls another model."""
    kind = tool.get("type")
    if isinstance(kind, str) and kind.startswith(ADVISOR):
        raise InvalidRequest("tools: advice of another model is not sold within a request.")


def _accepts(*values: object) -> Callable[[object], bool]:
    return lambda value: any(value is each or (isinstance(value, str) and value == each) for each in values)


def _tools_are_sold(tools: object) -> bool:
    for tool in tools if isinstance(tools, list) else ():
        if isinstance(tool, dict):
            check_tool(tool)
    return True


def _bills_the_operator(policy: object) -> bool:
    return policy is None or (isinstance(policy, dict) and policy.get("bill_to") in (None, "self"))


_IN_THE_HEADER = "name betas in the anthropic-beta header."
_OF_THE_OPERATOR = "belongs to the account that calls Claude, and cannot be chosen here."
PRICE_RULES: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "anthropic_beta": (_accepts(None), _IN_THE_HEADER),
    "betas": (_accepts(None), _IN_THE_HEADER),
    "billing_policy": (_bills_the_operator, "the account that calls Claude pays; send no other bill_to than self."),
    "fallbacks": (
        lambda value: not value,
        "other models are not sold within a request; ask for one in a request of its own.",
    ),
    "inference_geo": (_accepts(None, "global"), "only global is sold here."),
    "service_tier": (_accepts(None, "auto", "standard_only"), "only auto and standard_only are sold here."),
    "speed": (_accepts(None, "standard"), "only standard is sold here."),
    "tools": (_tools_are_sold, ""),
    "user_profile_id": (_accepts(None), _OF_THE_OPERATOR),
    "workspace_id": (_accepts(None), _OF_THE_OPERATOR),
}
