"""Rate limits: how fast an organization may call. What it may spend is the ledger's to guard."""
