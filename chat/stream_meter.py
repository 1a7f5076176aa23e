"""Meters a stream: reads Claude's counts from its events, and keeps content that may have to be counted here."""

from collections.abc import Mapping
from typing import Any

from billing.tokens import TokenUsage
from chat.lenient_json import as_object, as_word
from chat.partial_output import PartialOutput
from chat.sse import DELTA, Event
from chat.usage import count_of, merge_usage, missing_counts, read_usage, unreadable_counts


class StreamMeter:
    """Reads events in their order. A client gets no event that was not read here before.

    `message_delta.usage` is cumulative and adds to what `message_start` said, field by field
    (docs.anthropic.com, "streaming").
    """

    def __init__(self) -> None:
        self.output = PartialOutput()
        self.started = False
        self.has_output = False
        self.finished = False
        self.failed = False
        self.stop_reason = ""
        self._usage: dict[str, Any] = {}
        self._unreadable: set[str] = set()
        self._told_output = False

    def read(self, event: Event) -> None:
        """Take in the next event."""
        if event.name == DELTA:
            self.has_output = True
            self.output.add(event)
        elif event.name == "message_start":
            self._start(as_object(event.data.get("message")).get("usage"))
        elif event.name == "message_delta":
            self._add_final(as_object(event.data.get("usage")))
            self.stop_reason = as_word(as_object(event.data.get("delta")).get("stop_reason"))
        elif event.name == "message_stop":
            self.finished = True
        elif event.name == "error":
            self.failed = True
            self.stop_reason = as_word(as_object(event.data.get("error")).get("type")) or "error"
        elif event.name != "ping":
            self.output.add(event)

    @property
    def usage(self) -> TokenUsage:
        """The tokens that Claude has told so far."""
        return read_usage(self._usage)

    @property
    def reported_usage(self) -> Mapping[str, Any]:
        """The `usage` object that Claude has told so far, with what `usage` leaves out."""
        return self._usage

    @property
    def knows_input(self) -> bool:
        """Whether Claude has told the tokens of the input."""
        return count_of(self._usage.get("input_tokens")) is not None

    @property
    def complete(self) -> bool:
        """Whether Claude has told the tokens of the whole answer."""
        return self._told_output and (self.finished or bool(self.stop_reason)) and not self.failed

    @property
    def unreadable(self) -> set[str]:
        """Name the counts that could not be read, once Claude has told the answer's last count."""
        if not self.finished:
            return self._unreadable
        return self._unreadable | missing_counts(self._usage) | (set() if self.complete else {"message_delta"})

    def _start(self, usage: object) -> None:
        if isinstance(usage, Mapping):
            self.started = True
            self._add(usage)

    def _add_final(self, report: Mapping[str, Any]) -> None:
        """Add what `message_delta` reports, beside which the output of `message_start` was a placeholder."""
        if count_of(report.get("output_tokens")) is not None and not self._told_output:
            self._told_output = True
            self._usage.pop("output_tokens", None)
        self._add(report)

    def _add(self, report: Mapping[str, Any]) -> None:
        merge_usage(self._usage, report)
        self._unreadable |= unreadable_counts(report)
