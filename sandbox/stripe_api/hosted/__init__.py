"""Checkout sessions and the customer portal: their API, and what their pages do. The pages are in `sandbox.pages`.

The pages use `checkout`, `portal_sessions` and `portal_actions`.
"""
