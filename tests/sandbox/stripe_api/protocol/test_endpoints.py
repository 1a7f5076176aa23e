"""The table of endpoints agrees with the SDK: every parameter said to be supported is one that Stripe knows."""

from __future__ import annotations

from typing import Annotated, Any, NotRequired, get_args, get_origin

import pytest
from typing_extensions import get_type_hints, is_typeddict

from sandbox.stripe_api.all_endpoints import StripeApi
from sandbox.stripe_api.protocol import params
from sandbox.stripe_api.protocol.endpoint import ENDPOINTS, Endpoint

assert StripeApi  # importing it fills the table


def name_of(endpoint: Endpoint) -> str:
    return f"{endpoint.method} {endpoint.path}"


@pytest.mark.parametrize("endpoint", [each for each in ENDPOINTS if each.params], ids=name_of)
def test_supports_only_what_stripe_knows(endpoint: Endpoint):
    package, _, class_name = endpoint.params.rpartition(".")
    module = params._load(package, class_name)

    unknown = [path for path in endpoint.supports if not knows(getattr(module, class_name), path.split("."), module)]

    assert unknown == []


def test_no_endpoint_stands_there_twice():
    names = [name_of(endpoint) for endpoint in ENDPOINTS]

    assert sorted(names) == sorted(set(names))


def knows(wanted: Any, path: list[str], module: Any) -> bool:
    """Whether a TypedDict, or one inside lists and unions, has the fields of the path."""
    hints = get_type_hints(wanted, vars(module), include_extras=True)
    if path[0] not in hints:
        return False
    return len(path) == 1 or any(knows(inner, path[1:], module) for inner in typed_dicts(hints[path[0]]))


def typed_dicts(hint: Any) -> list[Any]:
    if is_typeddict(hint):
        return [hint]
    inside = get_args(hint)[:1] if get_origin(hint) in (Annotated, NotRequired) else get_args(hint)
    return [found for part in inside for found in typed_dicts(part)]
