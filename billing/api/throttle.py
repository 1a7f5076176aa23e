"""The rate limit of the management API, as DRF asks for it."""

from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from accounts.key_memory import Caller
from billing.limits.side_calls import SideCall, admit_side_call


class ManagementThrottle(BaseThrottle):
    """Limits an organization's management calls. Pages without a key are not limited."""

    def allow_request(self, request: Request, view: object) -> bool:
        """Let the call in. Raises RateLimited, which tells more than DRF's own refusal."""
        if isinstance(request.auth, Caller):
            admit_side_call(organization_id=request.auth.organization_id, kind=SideCall.MANAGEMENT)
        return True
