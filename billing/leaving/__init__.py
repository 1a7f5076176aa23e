"""Leaving: an organization's data to take along, closing it, and forgetting it when its time is over.

Others use `export` (everything of an organization as a file) and `closing` (close, and forget what was closed).
"""
