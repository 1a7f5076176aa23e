"""The management API under `/api/v1/`: its routes, errors, OpenAPI schema and documentation pages."""
