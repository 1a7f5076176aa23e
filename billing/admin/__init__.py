"""The admin of plans and prices, of organizations and what they owe, of usage, and of what went wrong."""

from billing.admin import accounts, discrepancies, meter_events, organizations, plan_prices, plans, usage

__all__ = ["accounts", "discrepancies", "meter_events", "organizations", "plan_prices", "plans", "usage"]
