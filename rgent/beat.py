"""The beat: which task runs how often, and in which queue."""

from datetime import timedelta

from kombu import Queue

# Posting and sending each have a queue and, on servers, a process: a Stripe that hangs keeps only senders waiting.
# A worker without `--queues` takes from all.
QUEUES = [Queue(name) for name in ("celery", "posting", "sending")]
ROUTES = {
    "billing.tasks.post_usage": {"queue": "posting"},
    "billing.tasks.find_abandoned_records": {"queue": "posting"},
    "billing.tasks.send_meter_events": {"queue": "sending"},
    "billing.tasks.bill_late_usage": {"queue": "sending"},
}
# A beat that comes round while the last one still waits is dropped: the rows say what is due, not the queue.
_EVERY = {
    "post usage": ("billing.tasks.post_usage", 2.0),
    "send meter events": ("billing.tasks.send_meter_events", 2.0),
    "bill late usage": ("billing.tasks.bill_late_usage", 15.0),
    "refresh invoice terms": ("billing.tasks.refresh_invoice_terms", 5.0),
    "send credits": ("billing.tasks.send_credits", 60.0),
    "send spending alerts": ("billing.tasks.send_spending_alerts", 30.0),
    "send mails": ("billing.tasks.send_mails", 5.0),
    "send customer webhooks": ("billing.tasks.send_customer_webhooks", 2.0),
    "forget old customer events": ("billing.tasks.forget_old_customer_events", 3600.0),
    "look for expiring cards": ("billing.tasks.look_for_expiring_cards", timedelta(hours=24).total_seconds()),
    "find abandoned records": ("billing.tasks.find_abandoned_records", 10.0),
    "forget old idempotency keys": ("billing.tasks.forget_old_idempotency_keys", 3600.0),
    "forget old Stripe events": ("billing.tasks.forget_old_stripe_events", 3600.0),
    "find unusual spending": ("billing.tasks.find_unusual_spending", 600.0),
    "forget closed organizations": ("billing.tasks.forget_closed_organizations", 3600.0),
    "forget old conversations": ("chat.tasks.forget_old_conversations", 3600.0),
    "catch up with Stripe": ("billing.tasks.catch_up_with_stripe", 60.0),
    "make plan moves": ("billing.tasks.make_plan_moves", 60.0),
    "tell of retirements": ("billing.tasks.tell_of_retirements", 3600.0),
    "release held invoices": ("billing.tasks.release_held_invoices", 10.0),
    "read meter errors": ("billing.tasks.read_meter_errors", 600.0),
    "hold forgotten drafts": ("billing.tasks.hold_forgotten_drafts", 600.0),
    "sync with Stripe": ("billing.tasks.sync_with_stripe", timedelta(hours=24).total_seconds()),
    "tell the watchdog": ("rgent.tasks.tell_watchdog", 60.0),
    "reconcile": ("billing.tasks.reconcile", timedelta(hours=24).total_seconds()),
}
BEAT_SCHEDULE = {
    name: {"task": task, "schedule": every_s, "options": {"expires": every_s * 2}}
    for name, (task, every_s) in _EVERY.items()
}
