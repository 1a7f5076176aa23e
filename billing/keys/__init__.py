"""What billing knows of an API key: the models it may use, its cap and its list in the portal.

Others use `terms` (edit a key's name, models, cap and expiry) and `listing` (the keys of an organization).
"""
