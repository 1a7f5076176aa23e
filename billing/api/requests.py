"""The requests log."""

from decimal import Decimal

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing.api.base import BillingView, TokenCounts
from billing.models import UsageRecord
from billing.usage.by_project import HELP
from billing.usage.request_log import RequestFilter, request_of, requests_of
from common.rest.fields import Amount, Instant, StrictSerializer, Text
from common.rest.paging import DEFAULT_LIMIT, MAX_ID, MAX_LIMIT, page_body, page_of, page_schema

STATES = UsageRecord.State.choices


class RequestQuery(StrictSerializer):
    """The filter and the page."""

    limit = serializers.IntegerField(
        min_value=1, max_value=MAX_LIMIT, default=DEFAULT_LIMIT, help_text="How many at most."
    )
    after_id = Text(
        max_length=60, required=False, help_text="Begin after this request: the `last_id` of the page before."
    )
    state = serializers.ChoiceField(
        choices=STATES,
        required=False,
        help_text="`open` runs, `settled` was answered and is paid, `void` and `abandoned` failed and are free.",
    )
    model = Text(max_length=100, required=False)
    key_id = serializers.IntegerField(min_value=1, max_value=MAX_ID, required=False)
    project = Text(max_length=64, required=False, help_text=HELP)
    starts_at = Instant(required=False, help_text="Begun at this instant or later.")
    ends_at = Instant(required=False, help_text="Begun before this instant.")


class RequestOut(TokenCounts):
    """One request to Claude. Prompts and answers are not stored."""

    request_id = serializers.CharField(help_text="As the `request-id` header told it.")
    state = serializers.ChoiceField(choices=STATES)
    model = serializers.CharField()
    key_id = serializers.IntegerField(source="api_key_id", allow_null=True, help_text="Null without a key.")
    project = serializers.CharField(source="project.name", default=None, help_text="Null without one.", allow_null=True)
    streamed = serializers.BooleanField()
    trial = serializers.BooleanField(help_text="One of the free requests.")
    estimated = serializers.BooleanField(help_text="Cut off: Claude counted the output that there was.")
    stop_reason = serializers.SerializerMethodField(help_text="Claude's, once settled; else empty.")
    begun_at = Instant()
    settled_at = Instant(allow_null=True, help_text="When it ended; this decides its billing period.")
    server_tool_use = serializers.DictField(
        child=serializers.IntegerField(),
        help_text="How often Claude ran tools of its own, by Claude's name for each (`web_search_requests`): free.",
    )
    exact_minor = serializers.SerializerMethodField(help_text="In cents, exactly; null while it runs.")

    def get_stop_reason(self, record: UsageRecord) -> str:
        """Return why Claude stopped."""
        return record.outcome if record.state == UsageRecord.State.SETTLED else ""

    def get_exact_minor(self, record: UsageRecord) -> str | None:
        """Return the cost."""
        if record.state == UsageRecord.State.OPEN:
            return None
        return Amount().to_representation(Decimal(record.cost_minor))


class RequestsView(BillingView):
    """The organization's requests."""

    @extend_schema(
        operation_id="list_requests",
        summary="List requests",
        parameters=[RequestQuery],
        responses=page_schema("RequestPage", RequestOut, id_field=serializers.CharField(allow_null=True)),
    )
    def get(self, request: Request) -> Response:
        """Return the organization's requests to Claude from the ledger, newest first."""
        query = self.query(RequestQuery)
        limit, after_id = query.pop("limit"), query.pop("after_id", None)
        after = request_of(organization_id=self.organization_id, request_id=after_id).id if after_id else None
        rows = requests_of(organization_id=self.organization_id, wanted=RequestFilter(**query)).select_related(
            "project"
        )
        records, has_more = page_of(rows, limit=limit, after=after)
        data = [dict(RequestOut(record).data) for record in records]
        return Response(page_body(data, has_more=has_more, key="request_id"))


class RequestView(BillingView):
    """One request."""

    @extend_schema(operation_id="get_request", summary="Look at a request", responses=RequestOut)
    def get(self, request: Request, request_id: str) -> Response:
        """Return one request."""
        return Response(RequestOut(request_of(organization_id=self.organization_id, request_id=request_id)).data)
