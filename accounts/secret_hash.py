"""Hashes of the secrets that we hand out: the database holds no secret itself."""

import hashlib


def secret_hash(secret: str) -> str:
    """Return the SHA-256 of an API key or an invitation's token, in hexadecimal.

    They have 256 random bits, so no slow hash is needed. Any text is taken, as a caller may send any.
    """
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()
