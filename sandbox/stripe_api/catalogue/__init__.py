"""Products and prices.

Others use `prices.unit_amount` and `prices.is_metered`.
"""
