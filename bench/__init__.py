"""What rgent costs a request, measured beside LiteLLM's proxy and a floor that does nothing but pass calls on.

It knows rgent as its operator does, by commands, addresses and tables; README.md says how to read what it writes.
"""
