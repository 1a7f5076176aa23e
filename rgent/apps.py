"""The top of the product: settings, routes, the error catalogue, start-up."""

from django.apps import AppConfig


class RgentConfig(AppConfig):
    """Registers the system checks."""

    name = "rgent"
    verbose_name = "rgent"

    def ready(self) -> None:
        """Register the checks that span settings, and that of the database."""
        from rgent import checks, starting  # noqa: F401
