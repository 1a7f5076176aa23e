"""People, organizations and keys."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """People, their organizations and their API keys."""

    name = "accounts"
    verbose_name = "Accounts"

    def ready(self) -> None:
        """Connect the signals."""
        from accounts import second_factors, signals  # noqa: F401
