"""Rules that every template keeps, since the content security policy forbids what breaks them."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles.finders import find

# Mails have no policy and no style sheet: tests/common/test_letters.py has their rules.
TEMPLATES = [
    path
    for path in sorted((Path(settings.BASE_DIR) / "templates").rglob("*.html"))
    if not {"admin", "mail"} & set(path.parts)
]
INLINE = re.compile(r"\sstyle=|<style|<script(?![^>]*\ssrc=)|\son\w+=|javascript:", re.IGNORECASE)
FOREIGN = re.compile(r"(?:src|href)=[\"']https?://", re.IGNORECASE)
STATIC = re.compile(r"{% static '([^']+)' %}")


def named(path: Path) -> str:
    return str(path.relative_to(settings.BASE_DIR / "templates"))


def test_there_are_templates_to_look_at():
    assert len(TEMPLATES) > 40


@pytest.mark.parametrize("path", TEMPLATES, ids=named)
def test_no_template_has_inline_style_or_script_or_loads_from_elsewhere(path):
    source = path.read_text()

    assert not INLINE.search(source)
    assert not FOREIGN.search(source)


@pytest.mark.parametrize("path", TEMPLATES, ids=named)
def test_every_static_file_a_template_names_exists(path):
    for name in STATIC.findall(path.read_text()):
        assert find(name), name


@pytest.mark.django_db
def test_pages_are_sent_with_a_policy_that_forbids_inline_code(client):
    policy = client.get("/").headers["content-security-policy"]

    assert "default-src 'self'" in policy
    assert "unsafe-inline" not in policy
