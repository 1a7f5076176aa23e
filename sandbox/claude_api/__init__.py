"""A stand-alone Claude over HTTP: Messages, token counting and models, strict, deterministic and offline.

It answers as Claude's API does (shapes, headers, errors, events, prompt caching), says pleasant nonsense, and keeps a
ledger of what it served. It imports no SDK and no application. `docs/sandbox-claude.md` is its manual, with every item
of the `[[usage ...]]` directive by which a prompt steers its answer; `directive.py` has the grammar.

The rest of the sandbox uses `app.build`, and `ledger.Filter` to read the ledger.
"""
