"""The portal's pages of accounts, and the rule of who may open a page.

`access` is for other apps' pages too; `accounts.urls` routes to the rest.
"""
