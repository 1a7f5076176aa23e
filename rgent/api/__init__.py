"""The path of API calls through the process: routes, body, and the error that every surface answers with.

`handler` serves what `rgent.asgi` hands it; `error_catalogue` gives each domain error its status and type, and
`error_shapes` renders it as the called surface does.
"""
