"""The tables of billing, a file per concept."""

from billing.models.account import BillingAccount
from billing.models.budget import Budget
from billing.models.credit_grant import CreditGrant
from billing.models.credit_note import CreditNote
from billing.models.customer_webhook import CustomerEndpoint, CustomerEvent, EventDelivery
from billing.models.daily_usage import DailyUsage
from billing.models.discrepancy import Discrepancy
from billing.models.dispute import Dispute
from billing.models.ended_bill import EndedBill
from billing.models.event_cursor import EventCursor
from billing.models.hourly_usage import HourlyUsage
from billing.models.idempotency_key import IdempotencyKey
from billing.models.invoice_hold import InvoiceHold
from billing.models.invoice_terms import InvoiceTerms
from billing.models.key_budget import KeyBudget
from billing.models.late_usage import LateRecord, LateUsage
from billing.models.meter_event import MeterEvent
from billing.models.model_card import ModelCard
from billing.models.model_cost import ModelCost
from billing.models.model_retirement import ModelRetirement
from billing.models.notice import Notice, NoticeMail
from billing.models.part_budget import PartBudget
from billing.models.plan import Plan, PlanPrice
from billing.models.plan_move import PlanMove
from billing.models.plan_version import PlanVersion
from billing.models.planned_switch import PlannedSwitch
from billing.models.posted_usage import PostedUsage
from billing.models.process_lease import ProcessLease
from billing.models.project_budget import ProjectBudget
from billing.models.promotion import Promotion
from billing.models.reconciled_usage import LedgerMark, ReconciledUsage
from billing.models.redemption import Redemption
from billing.models.refund import Refund
from billing.models.spending_alert import AlertThresholds, SpendingAlert
from billing.models.stop import Stop
from billing.models.task_run import TaskRun
from billing.models.trial_grant import TrialGrant
from billing.models.usage_record import UsageRecord

__all__ = [
    "AlertThresholds",
    "BillingAccount",
    "Budget",
    "CreditGrant",
    "CreditNote",
    "CustomerEndpoint",
    "CustomerEvent",
    "DailyUsage",
    "Discrepancy",
    "Dispute",
    "EndedBill",
    "EventCursor",
    "EventDelivery",
    "HourlyUsage",
    "IdempotencyKey",
    "InvoiceHold",
    "InvoiceTerms",
    "KeyBudget",
    "LateRecord",
    "LateUsage",
    "LedgerMark",
    "MeterEvent",
    "ModelCard",
    "ModelCost",
    "ModelRetirement",
    "Notice",
    "NoticeMail",
    "PartBudget",
    "Plan",
    "PlanMove",
    "PlanPrice",
    "PlanVersion",
    "PlannedSwitch",
    "PostedUsage",
    "ProcessLease",
    "ProjectBudget",
    "Promotion",
    "ReconciledUsage",
    "Redemption",
    "Refund",
    "SpendingAlert",
    "Stop",
    "TaskRun",
    "TrialGrant",
    "UsageRecord",
]
