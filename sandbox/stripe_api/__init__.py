"""Stripe's API over HTTP, as far as selling by the meter needs it, for the version the installed SDK speaks."""
