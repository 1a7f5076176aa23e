"""The ground: how requests are read, checked, answered and stored, whatever they are about. It knows no resource.

Every resource uses `endpoint`, `params`, `errors`, `fields`, `ids`, `lists`, `money`, `timeline` and `world.World`. The
server alone uses `auth`, `encoding`, `expand`, `forms`, `idempotency` and `meter_traffic`.
"""
