"""How the reference writes text of the OpenAPI document."""

import re

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

register = template.Library()
TICKS = re.compile(r"`([^`]+)`")


@register.filter
def ticks(text: str) -> SafeString:
    """Return a text as HTML, with what stands in backticks as code."""
    return mark_safe(TICKS.sub(r"<code>\1</code>", escape(text)))  # noqa: S308 - it is escaped first
