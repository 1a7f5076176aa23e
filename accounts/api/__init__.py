"""The management API of accounts: organizations' members, invitations and keys, under /api/v1/."""
