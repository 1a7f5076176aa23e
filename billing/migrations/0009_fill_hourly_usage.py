"""Fills hourly totals from the records that were posted before there were any, so that they add up to the daily ones."""

from datetime import UTC

from django.db import migrations

from billing.money import EXACT

KEY = ["organization_id", "period_starts_at", "api_key_id", "plan_id", "priced_at", "model", "trial"]
TOKENS = [
    "input_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "cache_read_tokens",
    "output_tokens",
]


def fill(apps, schema_editor):
    totals = {}
    table = apps.get_model("billing", "HourlyUsage")
    posted = apps.get_model("billing", "UsageRecord").objects.filter(posted_at__isnull=False)
    for record in posted.order_by("id").iterator(chunk_size=5000):
        hour = record.settled_at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        key = {"hour": hour, **{name: getattr(record, name) for name in KEY}}
        add(record, total=totals.setdefault(tuple(key.values()), table(**key)))
    table.objects.bulk_create(totals.values(), batch_size=1000)


def add(record, *, total):
    total.requests += 1
    total.failed_requests += record.state == "void"
    total.abandoned_requests += record.state == "abandoned"
    for name in TOKENS:
        setattr(total, name, getattr(total, name) + getattr(record, name))
    for name, count in record.server_tool_use.items():
        total.server_tool_use[name] = total.server_tool_use.get(name, 0) + count
    total.cost_minor = EXACT.add(total.cost_minor, record.cost_minor)


class Migration(migrations.Migration):
    dependencies = [("billing", "0008_hourly_usage")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
