"""The admin of people and their teams. Organizations and keys are shown by billing, beside what they owe."""

from accounts.admin import people, team

__all__ = ["people", "team"]
