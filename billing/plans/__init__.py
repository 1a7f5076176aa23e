"""Plans: their price lists, and their publication to Stripe.

Others use `price_lists` (a plan's rates at an instant, and their revision: a price changes from an instant on, and
subscribers keep the one of when they subscribed), `publishing` (plans to Stripe), `completeness` (what a plan
still lacks) and `default_plans` (those of a new database).
"""
