"""Authentication of the management API."""

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from accounts.key_headers import caller_of_headers_now
from accounts.key_memory import Caller
from accounts.models import KeyScope


class ManagementKeyAuthentication(BaseAuthentication):
    """Admits keys of the `manage` scope, sent as `Authorization: Bearer` or as `x-api-key`."""

    def authenticate(self, request: Request) -> tuple[None, Caller]:
        """Return the caller, as `request.auth`. Raises UnknownApiKey, also without a key, and ScopeMissing."""
        return None, caller_of_headers_now(request.headers, scope=KeyScope.MANAGE)
