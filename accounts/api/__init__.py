"""The management API of accounts: organizations' members and invitations, under /api/v1/."""
