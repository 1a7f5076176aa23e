"""The admin of people and their teams. Organizations and keys are shown by billing, beside what they owe."""

from accounts.admin import addresses, audit_log, people, second_factors, team

__all__ = ["addresses", "audit_log", "people", "second_factors", "team"]
