"""Credit that an invoice draws on before it is charged: billing credits and the customer's balance.

Others use `credits` and `customer_balance`.
"""
