"""Cards and charging them: test cards, payment methods, payment intents, charges and setup intents.

Others use `payments`, `payment_methods`, `setup_intents`, `typed_cards`, `next_action` and `cards.Decline`. The API of
payment intents is `billing.payment_intents`, since confirming one may pay an invoice.
"""
