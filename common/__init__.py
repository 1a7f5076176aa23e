"""The ground below the apps: code that no app owns. Imports no app and has no models.

`background` runs work that outlives its request; `database` runs database work on a fixed number of threads; `outage`
knows whether the database is away, and `time_limits` cuts work that takes too long; `request_ids` mints the ids of
requests; `rest` holds what every endpoint of the management API shares.
"""
