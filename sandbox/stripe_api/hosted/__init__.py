"""Checkout sessions and the customer portal: their API, and the actions of their pages, which are in `sandbox.pages`.

The pages use `checkout_completion`, `checkout_lines`, `portal_sessions` and `portal_actions`.
"""
