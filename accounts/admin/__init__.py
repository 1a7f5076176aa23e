"""The admin of people and their teams. Organizations and keys are shown by billing, beside what they owe."""

from accounts.admin import addresses, people, team

__all__ = ["addresses", "people", "team"]
