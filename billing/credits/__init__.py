"""What makes an invoice smaller, or larger, than its lines: discounts, billing credits, tax, and money given back.

Others use `terms` (the discounts and the tax of the next invoice), `reckoning` (their amounts, to the cent, as Stripe
takes them), and `balance` (the billing credits that are left).
"""
