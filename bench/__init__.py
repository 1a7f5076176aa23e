"""Measures the cost of a request through rgent, beside LiteLLM's proxy and a floor that only passes calls on.

The bench uses rgent as an operator does, by commands, addresses and tables. README.md explains its results.
"""
