"""Projects as pages and the management API show them: with their caps and keys.

Others use `listing`. The caps are kept by `billing.caps`, and `billing.usage` splits usage by project.
"""
