"""The zone in which pages tell a person the time. Days and totals are those of UTC, whatever the zone."""

from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from accounts.models import User

UTC = "UTC"


@lru_cache(maxsize=1)
def zone_choices() -> list[tuple[str, str]]:
    """Return the zones to choose from: UTC, then places by continent."""
    places = sorted(name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "SystemV/")))
    return [(UTC, UTC), *((name, name.replace("_", " ")) for name in places)]


def zone_of(user: User | None) -> ZoneInfo:
    """Return a person's zone; UTC for a stranger, and where the zone is known no more."""
    name = getattr(user, "time_zone", "") or UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError):
        return ZoneInfo(UTC)
