"""Plans: their versions and price lists, their publication to Stripe, and the ends of models.

Others use `versions` (the prices that a subscriber gets together and keeps), `price_lists` (a plan's rates at an
instant, and their revision), `publishing` (plans to Stripe, whole or not at all), `completeness` (what a plan still
lacks), `version_changes` (the prices that differ), `retirements` (the ends of models, and the successors they lead to)
and `default_plans` and `default_cards` (those of a new database).
"""
