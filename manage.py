#!/usr/bin/env python3
"""Django's command line for rgent."""

import os
import sys

# What a shell makes of a program that Ctrl-C ended.
INTERRUPTED = 130


def main() -> None:
    """Run one management command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rgent.settings")
    try:
        _execute()
    except KeyboardInterrupt:  # while modules are loaded: no command runs yet that would handle it
        sys.exit(INTERRUPTED)


def _execute() -> None:
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"rgent: {error}")


if __name__ == "__main__":
    main()
