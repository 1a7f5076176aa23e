"""Rate limits: how fast an organization may call. The ledger guards its spending.

Others use `gate` (draw a request and its tokens; without Redis each process counts for itself) and `side_calls` (calls
that cost nothing). `redis_store` and `memory` keep the `buckets`.
"""
