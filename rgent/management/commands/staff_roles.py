"""`./run manage staff_roles`: the roles of staff."""

from typing import Any

from django.core.management.base import BaseCommand

from rgent.staff_roles import set_up_roles


class Command(BaseCommand):
    """Makes the groups Support, Finance and Owner, or gives them the rights of this release."""

    help = "Make the roles of staff, as groups with the rights of this release. May run any number of times."

    def handle(self, *args: Any, **options: Any) -> None:
        """Make them."""
        self.stdout.write(f"Roles: {', '.join(set_up_roles())}. A superuser gives them in admin, People.")
