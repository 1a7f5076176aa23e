"""The tree of a conversation: branches, and the one that is shown."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Prefetch

from chat.models import Attachment, Conversation, Message


@dataclass(frozen=True, slots=True)
class Node:
    """A message's place in the tree, and an answer's request."""

    id: int
    parent_id: int | None
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Tree:
    """All messages of a conversation by their places, children in the order in which they were made."""

    nodes: dict[int, Node]
    children: dict[int | None, list[int]]

    def branch(self, last_id: int | None) -> list[int]:
        """Return the ids from the first message to `last_id`; none where there is no such message."""
        path: list[int] = []
        while last_id in self.nodes:
            path.append(last_id)
            last_id = self.nodes[last_id].parent_id
        return path[::-1]

    def siblings(self, message_id: int) -> list[int]:
        """Return the branches at a message's place, itself among them."""
        return self.children[self.nodes[message_id].parent_id]

    def newest_below(self, message_id: int) -> int:
        """Return the last message of the newest branch that goes on from a message."""
        while self.children.get(message_id):
            message_id = self.children[message_id][-1]
        return message_id


def tree_of(conversation: Conversation) -> Tree:
    """Return a conversation's tree."""
    rows = Message.objects.filter(conversation=conversation).order_by("id").values_list("id", "parent_id", "request_id")
    return tree(Node(*row) for row in rows)


def tree(nodes: Iterable[Node]) -> Tree:
    """Return the tree of these nodes."""
    by_id: dict[int, Node] = {}
    children: dict[int | None, list[int]] = defaultdict(list)
    for node in nodes:
        by_id[node.id] = node
        children[node.parent_id].append(node.id)
    return Tree(nodes=by_id, children=children)


def messages_of(ids: list[int], *, whole: bool = False) -> list[Message]:
    """Return these messages in this order with their attachments, whose bytes are read later unless `whole`."""
    files = Prefetch("attachments", Attachment.objects.all() if whole else Attachment.objects.defer("data"))
    found = Message.objects.prefetch_related(files).in_bulk(ids)
    return [found[each] for each in ids if each in found]
