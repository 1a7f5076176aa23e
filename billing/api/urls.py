"""Routes of the management API's billing part, under /api/v1/."""

from django.urls import path, register_converter

from billing.api import (
    alerts,
    bill,
    caps,
    cards,
    invoice_records,
    invoices,
    keys,
    organization,
    plan_change,
    plans,
    projects,
    requests,
    subscription,
    usage,
    webhooks,
)


class Identifier:
    """An id as Stripe and the request log have it, so that nothing else reaches the database."""

    regex = "[A-Za-z0-9_]{1,60}"

    def to_python(self, value: str) -> str:
        """Return the id."""
        return value

    def to_url(self, value: str) -> str:
        """Return the id."""
        return value


register_converter(Identifier, "identifier")

urlpatterns = [
    path("organization", organization.OrganizationView.as_view()),
    path("plans", plans.PlansView.as_view()),
    path("subscription", subscription.SubscriptionView.as_view()),
    path("subscription/preview", plan_change.PreviewView.as_view()),
    path("subscription/change", plan_change.ChangeView.as_view()),
    path("subscription/cancel", plan_change.CancellationView.as_view()),
    path("subscription/resume", plan_change.ResumptionView.as_view()),
    path("subscription/pay", cards.PaymentView.as_view()),
    path("card", cards.CardView.as_view()),
    path("bill", bill.BillView.as_view()),
    path("usage", usage.UsageView.as_view()),
    path("requests", requests.RequestsView.as_view()),
    path("requests/<identifier:request_id>", requests.RequestView.as_view()),
    path("invoices", invoices.InvoicesView.as_view()),
    path("invoices/<identifier:invoice_id>", invoices.InvoiceView.as_view()),
    path("invoices/<identifier:invoice_id>/records", invoice_records.InvoiceRecordsView.as_view()),
    path("keys", keys.KeysView.as_view()),
    path("keys/<int:key_id>", keys.KeyView.as_view()),
    path("keys/<int:key_id>/rotate", keys.KeyRotationView.as_view()),
    path("keys/<int:key_id>/revoke", keys.KeyRevocationView.as_view()),
    path("projects", projects.ProjectsView.as_view()),
    path("projects/<int:project_id>", projects.ProjectView.as_view()),
    path("cap", caps.CapView.as_view()),
    path("webhooks", webhooks.WebhooksView.as_view()),
    path("webhooks/<int:endpoint_id>", webhooks.WebhookView.as_view()),
    path("webhooks/<int:endpoint_id>/rotate", webhooks.SecretRotationView.as_view()),
    path("webhooks/<int:endpoint_id>/test", webhooks.WebhookTestView.as_view()),
    path("webhooks/<int:endpoint_id>/deliveries", webhooks.DeliveriesView.as_view()),
    path("webhooks/<int:endpoint_id>/deliveries/<int:delivery_id>/resend", webhooks.ResendView.as_view()),
    path("alerts", alerts.AlertsView.as_view()),
]
