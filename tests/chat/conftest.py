"""Fixtures that tests of the path to Claude share."""

import pytest

from chat import claude_connections, model_list
from tests.factories import HAIKU


@pytest.fixture
async def models(sandbox):
    """Claude's models, which a bound asks for, and this loop's connections to it.

    The usual one is described beforehand, so that no test needs a database to learn that it is sold.
    """
    await model_list._describe(HAIKU)
    yield
    await claude_connections.close()
