"""`manage.py setup_stripe_products`: publish the plans, and perhaps make a customer to try them with."""

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from billing.models import Plan
from billing.plans.publishing import NotSellable, publish_plans
from billing.stripe_billing.client import StripeRejected, StripeUnavailable
from billing.subscriptions.sample_customers import SampleCustomer, create_sample_customer


class Command(BaseCommand):
    """Publishes plans to Stripe. It may run any number of times."""

    help = "Publish products, prices and meters to Stripe, changing only what differs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the options."""
        parser.add_argument(
            "--test-customer",
            action="store_true",
            help="also make a customer with a test card, an active subscription and an API key",
        )
        parser.add_argument("--plan", default="pro_haiku", help="the test customer's plan (default: pro_haiku)")
        parser.add_argument("--json", action="store_true", help="print the test customer as one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        """Publish, then make the customer that was asked for."""
        try:
            self._publish(quiet=options["json"])
            plan_code = options["plan"] if options["test_customer"] else self._ask()
            if plan_code:
                self._print(create_sample_customer(plan=self._plan(plan_code)), as_json=options["json"])
        except NotSellable as error:
            raise CommandError(str(error)) from error
        except StripeUnavailable as error:
            raise CommandError(f"Stripe cannot be reached at {settings.STRIPE_API_BASE}: {error}") from error
        except StripeRejected as error:
            raise CommandError(f"Stripe refused: {error}") from error

    def _publish(self, *, quiet: bool) -> None:
        published = publish_plans()
        if quiet:
            return
        for change in published.changes:
            self.stdout.write(f"published {change}")
        for plan in published.edited_meanwhile:
            self.stdout.write(self.style.WARNING(f"{plan} was edited meanwhile: run this again."))
        if not published.edited_meanwhile:
            told = "All plans are published." if published.changes else "Nothing to change."
            self.stdout.write(self.style.SUCCESS(told))

    def _ask(self) -> str:
        """Ask whether to make a test customer: only at a terminal, and only without options."""
        if len(sys.argv) > 2 or not sys.stdin.isatty() or settings.STRIPE_LIVE_MODE:
            return ""
        codes = ", ".join(Plan.objects.paid().values_list("code", flat=True))
        return input(f"Make a test customer? Its plan ({codes}), or Enter for none: ").strip()

    def _plan(self, code: str) -> Plan:
        plan = Plan.objects.paid().filter(code=code).first()
        if plan is None:
            codes = ", ".join(Plan.objects.paid().values_list("code", flat=True))
            raise CommandError(f"There is no plan {code!r}. There are: {codes}.")
        return plan

    def _print(self, customer: SampleCustomer, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(customer.as_dict()))
            return
        for name, value in customer.as_dict().items():
            self.stdout.write(f"{name + ':':14} {value}")
        body = json.dumps({"access_code": customer.api_key, "prompt": "Hello world"})
        self.stdout.write("Try it:")
        self.stdout.write(
            f"""  curl -X POST {settings.PUBLIC_URL}/chat -H "Content-Type: application/json" -d '{body}'"""
        )
