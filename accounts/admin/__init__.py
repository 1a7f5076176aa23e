"""The admin of people, their teams and their keys. Organizations are shown by billing, beside what they owe."""

from accounts.admin import api_keys, people, team

__all__ = ["api_keys", "people", "team"]
