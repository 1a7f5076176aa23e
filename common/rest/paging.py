"""Lists, the newest first, a page at a time: stable while rows are added, since a page begins after a row."""

from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from drf_spectacular.utils import inline_serializer
from rest_framework import serializers

from common.rest.fields import StrictSerializer

Row = TypeVar("Row", bound=Model)

DEFAULT_LIMIT = 20
MAX_LIMIT = 100
MAX_ID = 2**63 - 1


class PageQuery(StrictSerializer):
    """The page of a list."""

    limit = serializers.IntegerField(
        min_value=1, max_value=MAX_LIMIT, default=DEFAULT_LIMIT, help_text="How many at most."
    )
    after_id = serializers.IntegerField(
        min_value=1,
        max_value=MAX_ID,
        required=False,
        help_text="Begin after this one: the `last_id` of the page before.",
    )


def page_of(rows: QuerySet[Row], *, limit: int, after: int | None) -> tuple[list[Row], bool]:
    """Return at most `limit` rows older than the one of id `after`, and whether there are more."""
    if after is not None:
        rows = rows.filter(pk__lt=after)
    found = list(rows.order_by("-pk")[: limit + 1])
    return found[:limit], len(found) > limit


def page_body(data: list[dict[str, Any]], *, has_more: bool, key: str = "id") -> dict[str, Any]:
    """Return a page as it is answered. `key` names the field that the next page's `after_id` takes."""
    return {"data": data, "has_more": has_more, "last_id": data[-1][key] if data else None}


def page_schema(
    name: str, row: type[serializers.Serializer[Any]], *, id_field: serializers.Field[Any, Any, Any, Any]
) -> Any:
    """Describe a page of `row` for the OpenAPI document."""
    return inline_serializer(
        name,
        {
            "data": row(many=True, help_text="The newest first."),
            "has_more": serializers.BooleanField(help_text="Whether another page follows."),
            "last_id": id_field,
        },
    )
