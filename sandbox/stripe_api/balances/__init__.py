"""Credit that an invoice draws on before it is charged: billing credits and the customer's balance.

Others use `credits.apply` and `give_back`, and `customer_balance.add_transaction`.
"""
