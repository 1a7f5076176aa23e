"""Discounts, billing credits, taxes, promotion codes and credit notes: the way from an invoice's lines to its amount.

Others use `terms` (the discounts and taxes of the next invoice), `reckoning` (their amounts, to the cent, as Stripe
takes them), `balance` (the billing credits that are left), `credit_notes`, `grants` and `promotions`, and the labels of
`discounts` and `taxes`.
"""
