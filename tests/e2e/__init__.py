"""Journeys in a real browser. They run by themselves (`pytest tests/e2e`), and need Chromium."""
