"""Conservation under fire: real processes, a mixed load, an adversary, and exact books afterwards.

`python -m tests.conservation --seed S --minutes M` starts the product as production runs it, with a PostgreSQL and a
Redis of its own, behind proxies that can cut every link. A seed decides the requests and the faults. At the end each
promise is a verdict with a name; one that does not hold names the request that broke it, and tells its history.
"""
