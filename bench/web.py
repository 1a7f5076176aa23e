"""rgent's web process as the image runs it, but with the fake Claude: production refuses an address without https."""

import os

from django.conf import settings

from rgent.asgi import application

__all__ = ["application"]

settings.ANTHROPIC_BASE_URL = os.environ["BENCH_CLAUDE_URL"]
