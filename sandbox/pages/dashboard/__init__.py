"""The dashboard: it shows all that the sandbox holds, moves its clock and breaks things on demand.

`routes.routes` is for the application, and so is `overview.show`, which answers `/`; the rest is the dashboard's own.
"""
