"""Rate limits: how fast an organization may call. The ledger guards its spending."""
