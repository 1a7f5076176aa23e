"""Fixtures that tests of the path to Claude share."""

import pytest

from chat import claude_connections


@pytest.fixture
async def models(sandbox):
    """Claude's models, which a bound asks for, and this loop's connections to it."""
    yield
    await claude_connections.close()
