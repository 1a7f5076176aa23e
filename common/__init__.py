"""The ground below the apps: code that no app owns. Imports no app and has no models.

`background` runs work that outlives its request; `database` runs database work on a fixed number of threads; `rest`
holds what every endpoint of the management API shares.
"""
