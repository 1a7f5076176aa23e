"""A client of the management API: a key, and the words to call with."""

import json
from dataclasses import dataclass
from typing import Any

from django.test import Client

from accounts.api_keys import create_api_key
from accounts.models import ApiKey, KeyScope, Organization
from tests.factories import Customer, make_customer

# One for all calls: a new one loads the middleware, and with it the list of static files. It is given no cookies.
CLIENT = Client(raise_request_exception=False)


@dataclass(frozen=True)
class Manager:
    """A caller with a key of the `manage` scope."""

    customer: Customer
    api_key: ApiKey
    key: str

    @property
    def organization(self) -> Organization:
        """The organization of the key."""
        return self.customer.organization

    def call(self, method: str, path: str, body: Any = None, *, key: str | None = None, **headers: str) -> Any:
        """Call `/api/v1<path>` and return the response."""
        given = {"authorization": f"Bearer {self.key if key is None else key}", **headers}
        return CLIENT.generic(
            method,
            f"/api/v1{path}",
            data=b"" if body is None else body if isinstance(body, bytes) else _json(body),
            content_type="application/json",
            headers=given,
        )

    def get(self, path: str, **headers: str) -> Any:
        """Read an address; return the JSON. Fails unless the answer is 200."""
        return self.ok("GET", path, **headers)

    def ok(self, method: str, path: str, body: Any = None, *, status: int = 200, **headers: str) -> Any:
        """Call, and return the JSON. Fails unless the answer is `status`."""
        response = self.call(method, path, body, **headers)
        assert response.status_code == status, response.content
        return response.json() if response.content else None

    def error(self, method: str, path: str, body: Any = None, *, key: str | None = None) -> tuple[int, str, str]:
        """Call, and return the error's status, type and message. Fails unless it has the API's shape."""
        response = self.call(method, path, body, key=key)
        assert response.status_code >= 400, response.content
        data = response.json()
        assert set(data) == {"type", "error", "request_id"}
        assert (data["type"], data["request_id"]) == ("error", response.headers["request-id"])
        return response.status_code, data["error"]["type"], data["error"]["message"]


def make_manager(customer: Customer | None = None) -> Manager:
    """Make a key with the `manage` scope alone, for a customer or for a new one on the free trial."""
    customer = customer or make_customer()
    owner = customer.organization.members.get()
    api_key, key = create_api_key(
        organization=customer.organization, name="Deploy", scopes=[KeyScope.MANAGE], created_by=owner
    )
    return Manager(customer=customer, api_key=api_key, key=key)


def _json(body: Any) -> bytes:
    return json.dumps(body).encode()
