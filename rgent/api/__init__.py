"""The path of API calls through the process: routes, request bodies and errors.

`handler` serves the requests that `rgent.asgi` passes to it. `error_catalogue` maps domain errors to status and type,
`error_shapes` writes them in the shape of the surface that was called.
"""
