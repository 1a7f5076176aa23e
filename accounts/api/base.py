"""The base of every endpoint of the management API: caller, request id, and reading of the request."""

from functools import cached_property
from typing import Any

from django.http import HttpRequest
from rest_framework.exceptions import NotAcceptable, ValidationError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from accounts.key_memory import Caller
from accounts.models import Organization
from common import log_fields
from common.request_ids import new_request_id


class StrictNegotiation(DefaultContentNegotiation):
    """Answers 406, not DRF's 404, to a `?format=` that an endpoint lacks."""

    def filter_renderers(self, renderers: Any, format: str) -> Any:
        """Return the renderers of `?format=`. Raises NotAcceptable."""
        found: list[BaseRenderer] = [renderer for renderer in renderers if renderer.format == format]
        if not found:
            raise NotAcceptable(f"This address has no format {format[:20]!r}.")
        return found


class WithRequestId(APIView):
    """A view whose answers, and errors among them, carry a request id and stay out of caches."""

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        """Give the request its id."""
        initialized = super().initialize_request(request, *args, **kwargs)
        initialized.request_id = log_fields.current().get("request_id") or new_request_id()  # type: ignore[attr-defined]
        return initialized

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Response:
        """Add the request id, and keep the answer out of caches."""
        final = super().finalize_response(request, response, *args, **kwargs)
        final["request-id"] = request.request_id  # type: ignore[attr-defined]
        final["cache-control"] = "no-store"
        return final


class ManagementView(WithRequestId):
    """An endpoint. It reads only the fields that its serializers name, and data of one organization."""

    content_negotiation_class = StrictNegotiation

    @property
    def caller(self) -> Caller:
        """The caller."""
        caller = self.request.auth
        assert isinstance(caller, Caller)  # noqa: S101 - authentication lets in nobody else
        return caller

    @property
    def organization_id(self) -> int:
        """The organization whose data the request is about."""
        return self.caller.organization_id

    @cached_property
    def organization(self) -> Organization:
        """The organization itself."""
        return Organization.objects.get(id=self.organization_id)

    def body(self, serializer_class: type[Serializer[Any]]) -> dict[str, Any]:
        """Return the body as the serializer reads it, with `organization_id` as its context.

        Raises ValidationError, ParseError, UnsupportedMediaType.
        """
        return self._read(serializer_class(data=self.request.data, context={"organization_id": self.organization_id}))

    def query(self, serializer_class: type[Serializer[Any]]) -> dict[str, Any]:
        """Return the query parameters as the serializer reads them, but for `format`. Raises ValidationError."""
        given = {name: value for name, value in self.request.query_params.items() if name != "format"}
        return self._read(serializer_class(data=given))

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Judge the request before its method runs. Raises ValidationError for a query parameter that stands twice."""
        super().initial(request, *args, **kwargs)
        for name, values in request.query_params.lists():
            if len(values) > 1:
                raise ValidationError({name[:100]: "The parameter stands twice in the query."})

    @staticmethod
    def _read(serializer: Serializer[Any]) -> dict[str, Any]:
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)
