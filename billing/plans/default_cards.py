"""The facts about models that a new catalogue starts with. From then on they are data that an admin edits."""

from typing import Any

from billing.models import ModelCard
from billing.plans.default_plans import HAIKU, SONNET

# As of November 2026: platform.claude.com/docs/en/models/haiku-5-5/overview, and the same of sonnet-5-5.
CARDS: list[dict[str, Any]] = [
    {
        "model": HAIKU,
        "name": "Claude Haiku 5.5",
        "purpose": "The fastest. For many small tasks where time counts: classifying, extracting, routing, subagents.",
        "context_tokens": 1_000_000,
        "most_output_tokens": 128_000,
    },
    {
        "model": SONNET,
        "name": "Claude Sonnet 5.5",
        "purpose": "For everyday work that takes more thought: writing code, mending faults, agents, documents.",
        "context_tokens": 1_000_000,
        "most_output_tokens": 128_000,
    },
]


def create_default_cards(**kwargs: Any) -> None:
    """Fill an empty catalogue; called after every migrate. Each card begins its history.

    Nothing is done where the migration went back to a time without the catalogue: `apps` is the state it came to.
    """
    apps = kwargs.get("apps")
    if apps is not None and "modelcard" not in apps.all_models["billing"]:
        return
    if not ModelCard.objects.exists():
        for card in CARDS:
            ModelCard.objects.create(**card)
