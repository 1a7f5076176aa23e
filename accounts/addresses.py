"""Spellings of an e-mail address that lead to one mailbox."""

import unicodedata

from django.conf import settings

# Providers that deliver the mail of several domains to one mailbox.
SAME_DOMAIN = {"googlemail.com": "gmail.com"}


def mailbox_of(email: str) -> str:
    """Return one spelling for all addresses of a mailbox: for comparing them, not for sending mail.

    Case, width and composition of letters, a `+tag`, and the two forms of a domain make no difference; nor do dots at
    MAIL_DOMAINS_WITHOUT_DOTS.
    """
    name, _, domain = unicodedata.normalize("NFKC", email).strip().casefold().rpartition("@")
    domain = _ascii(domain)
    name = name.partition("+")[0] or name
    if domain in settings.MAIL_DOMAINS_WITHOUT_DOTS:
        name = name.replace(".", "")
    return f"{name}@{SAME_DOMAIN.get(domain, domain)}"


def _ascii(domain: str) -> str:
    try:
        return domain.encode("idna").decode()
    except UnicodeError:
        return domain
