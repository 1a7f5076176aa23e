"""The ground: how requests are read, checked, answered and stored, whatever they are about. It knows no resource.

Every resource uses `endpoint`, `params`, `errors`, `fields`, `ids`, `lists`, `money`, `timeline` and `world.World`;
events use `deliveries` and `encoding`, and version 2 of the API `iso_time`. The server alone uses `auth`,
`expand.expand`, `forms`, `idempotency` and `meter_traffic`.
"""
