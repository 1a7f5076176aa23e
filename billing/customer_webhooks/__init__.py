"""Webhooks to customers' own systems: signed events, sent until they arrive or for three days.

Others use `events` (write an event in the transaction of its fact), `facts` (the events of keys, caps, invoices and
plans), `endpoints` (an organization's addresses and secrets), `log` (its deliveries) and `sending` (send what is due).
"""
