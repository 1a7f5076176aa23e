"""Writing notices: inside the transaction of the event, so that neither is there without the other."""

from collections.abc import Iterable, Mapping
from typing import Any

from billing.models import Notice

Kind = Notice.Kind
BATCH = 500


def tell(*, organization_id: int, kind: Notice.Kind, occasion: str, facts: Mapping[str, Any]) -> None:
    """Have an organization told of an event, once for its `occasion`. Facts are what JSON can hold."""
    tell_each([organization_id], kind=kind, occasion=occasion, facts=facts)


def tell_each(organization_ids: Iterable[int], *, kind: Notice.Kind, occasion: str, facts: Mapping[str, Any]) -> None:
    """Have several organizations told of one event. Those that were told of it before are not told again."""
    rows = [
        Notice(organization_id=organization_id, kind=kind, occasion=occasion, facts=dict(facts))
        for organization_id in sorted(set(organization_ids))  # in one order, so that two writers cannot deadlock
    ]
    Notice.objects.bulk_create(rows, ignore_conflicts=True, batch_size=BATCH)


def was_told(*, organization_id: int, kind: Notice.Kind, occasion: str) -> bool:
    """Tell whether an organization has a notice of this occasion."""
    return Notice.objects.filter(organization_id=organization_id, kind=kind, occasion=occasion).exists()
