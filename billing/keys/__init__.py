"""API keys with their terms: the models a key may use, its expiry and its cap.

Others use `terms` (edit a key's name, models, cap and expiry) and `listing` (the keys of an organization).
"""
