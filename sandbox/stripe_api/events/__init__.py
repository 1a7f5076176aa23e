"""Events, and telling webhook endpoints and event destinations of them.

`world.World` writes snapshot events; others use `thin_events.emit`, `webhook_endpoints.ensure` and `courier.Courier`.
"""
