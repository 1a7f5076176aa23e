"""Meters, meter events of both versions of the API, and the usage they add up to.

Others use `usage`; the server uses `v2_meter_events.authenticate` for sessions of the event stream.
"""
