"""The documentation in the portal, at /docs/: guides in Markdown, and a reference made of the OpenAPI document."""
