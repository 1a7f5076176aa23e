"""The table of endpoints: each is a function, the SDK type its parameters must fit, and the parameters it simulates."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sandbox.store import Json
from sandbox.stripe_api.protocol import params as sdk_params
from sandbox.stripe_api.protocol.errors import NotFound, not_simulated
from sandbox.stripe_api.protocol.params import Params

Handler = Callable[..., Json]

# An endpoint's `params` where any parameter is accepted and none has an effect.
UNCHECKED = ""
LISTING = "limit starting_after ending_before"


@dataclass(frozen=True)
class Endpoint:
    """One line of the API.

    `supports` names the parameters (dotted inside objects) that have an effect here; Stripe's other valid ones are
    refused.
    """

    method: str
    path: str
    params: str
    supports: frozenset[str]
    handler: Handler
    pattern: re.Pattern[str] = field(repr=False)

    def check(self, given: Params) -> Params:
        """Return the parameters converted to the SDK's types.

        Raises InvalidRequest for wrong parameters, and for parameters that the sandbox does not simulate.
        """
        if self.params == UNCHECKED:
            return {}
        checked = sdk_params.validate(self.params, given)
        self._refuse_unsupported(checked)
        return checked

    def _refuse_unsupported(self, given: Any, *, inside: str = "", shown: str = "") -> None:
        if isinstance(given, list):
            for index, item in enumerate(given):
                self._refuse_unsupported(item, inside=inside, shown=f"{shown}[{index}]")
        if not isinstance(given, dict):
            return
        for name, value in given.items():
            path = f"{inside}.{name}" if inside else name
            label = f"{shown}[{name}]" if shown else name
            if path in self.supports or path == "expand":
                continue
            if not any(supported.startswith(f"{path}.") for supported in self.supports):
                raise not_simulated(f"the parameter `{label}` of {self.method} {self.path}", param=label)
            self._refuse_unsupported(value, inside=path, shown=label)


ENDPOINTS: list[Endpoint] = []


def endpoint(method: str, path: str, params: str, supports: str = "") -> Callable[[Handler], Handler]:
    """Register a handler `(world, params, *path values)` for a path like `/v1/prices/{price}`."""

    def register(handler: Handler) -> Handler:
        # `search` is no id: Stripe has that address, and the sandbox has not.
        pattern = re.compile(re.sub(r"\{\w+\}", r"(?!search$)([^/]+)", path))
        ENDPOINTS.append(Endpoint(method, path, params, frozenset(supports.split()), handler, pattern))
        return handler

    return register


class Routes:
    """Finds the endpoint of a request: by look-up where the address has no identifiers, else by its pattern."""

    def __init__(self, endpoints: list[Endpoint]) -> None:
        self._fixed = {(e.method, e.path): e for e in endpoints if "{" not in e.path}
        self._patterns = [e for e in endpoints if "{" in e.path]

    def find(self, method: str, path: str) -> tuple[Endpoint, tuple[str, ...]]:
        """Return the endpoint and the values in its path. Raises NotFound with Stripe's sentence."""
        if fixed := self._fixed.get((method, path)):
            return fixed, ()
        for candidate in self._patterns:
            if candidate.method == method and (match := candidate.pattern.fullmatch(path)):
                return candidate, match.groups()
        raise NotFound(
            f"Unrecognized request URL ({method}: {path}). Please see https://stripe.com/docs or we can help at "
            "https://support.stripe.com/."
        )
