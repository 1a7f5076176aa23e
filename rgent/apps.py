"""The top of the product: settings, routes, the error catalogue, start-up."""

from django.apps import AppConfig


class RgentConfig(AppConfig):
    """Registers the system checks."""

    name = "rgent"
    verbose_name = "rgent"

    def ready(self) -> None:
        """Register the checks."""
        from rgent import checks, demo_check  # noqa: F401
