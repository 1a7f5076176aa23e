"""Whole journeys, over HTTP, against the product running in processes of its own."""
