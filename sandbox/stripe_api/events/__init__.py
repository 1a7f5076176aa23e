"""Events, and telling webhook endpoints and event destinations of them.

`protocol.world.World.emit` records snapshot events. Others use `thin_events.emit`, `webhook_endpoints.ensure` and
`courier.Courier`.
"""
