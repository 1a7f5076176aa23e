"""Plans, the ledger, and the usage that is sent to Stripe."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class BillingConfig(AppConfig):
    """Metering and billing."""

    name = "billing"
    verbose_name = "Billing"

    def ready(self) -> None:
        """Connect the receivers, and see to it that a new database has plans, and facts about their models."""
        from billing import signals, webhooks  # noqa: F401
        from billing.plans.default_cards import create_default_cards
        from billing.plans.default_plans import create_default_plans

        post_migrate.connect(create_default_plans, sender=self)
        post_migrate.connect(create_default_cards, sender=self)
