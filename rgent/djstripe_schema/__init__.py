"""dj-stripe's tables in one migration, since its own history takes minutes to apply.

docs/decisions/0003 tells why, and what to do at an upgrade.
"""

MADE_FOR = "2.11.0"  # the version of dj-stripe whose tables the migrations here make
