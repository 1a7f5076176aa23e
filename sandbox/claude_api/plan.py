"""The plan of a call: all that depends on its body alone, made once for requests that repeat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from sandbox.claude_api import answer, rules
from sandbox.claude_api.answer import Answer
from sandbox.claude_api.errors import invalid
from sandbox.claude_api.models import Catalogue, Model
from sandbox.claude_api.parts import ToolUsePart
from sandbox.claude_api.prompt import PromptBlock, blocks_of
from sandbox.claude_api.prompt_cache import check_breakpoints
from sandbox.claude_api.request import Request
from sandbox.claude_api.usage import InputUsage
from sandbox.claude_api.versions import check_version

MOST_PLANS = 512
LONGEST_REMEMBERED_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt that the model accepts, and its tokens."""

    blocks: list[PromptBlock]
    natural_tokens: int
    asked: InputUsage | None

    @property
    def uncached(self) -> InputUsage:
        """Its usage without a cache: as the directive says, else all of it."""
        return self.asked or InputUsage(uncached=self.natural_tokens)

    @property
    def uses_cache(self) -> bool:
        """Whether the prompt cache changes its usage."""
        return self.asked is None and any(block.ttl is not None for block in self.blocks)


@dataclass(frozen=True, slots=True)
class Plan:
    """A call that will not be refused: its request, model, prompt and answer."""

    request: Request
    model: Model
    prompt: Prompt
    answer: Answer


def read_prompt(request: Request, *, model: Model) -> Prompt:
    """Count a prompt. Raises `ApiError` (400) where it is too long, or has wrong cache breakpoints."""
    blocks = blocks_of(request)
    check_breakpoints(blocks)
    total = sum(block.tokens for block in blocks)
    if total > model.max_input_tokens:
        raise invalid(f"prompt is too long: {total} tokens > {model.max_input_tokens} maximum")
    return Prompt(blocks=blocks, natural_tokens=total, asked=request.directive.input_usage(natural=total))


def make_plan(request: Request, *, catalogue: Catalogue, version: str) -> Plan:
    """Decide the answer to a request. Raises `ApiError` for a request that Claude would refuse."""
    model = catalogue.callable(request.model)
    check_version(request, version=version)
    rules.check(request, model=model, generates=True)
    prompt = read_prompt(request, model=model)
    return Plan(request=request, model=model, prompt=prompt, answer=answer.compose(request, model=model))


class Sent(NamedTuple):
    """All that decides on a plan: the body, whether a beta and which API version are named, and the catalogue."""

    raw: bytes
    beta: bool
    version: str
    catalogue: int


class Plans:
    """The plans of the last short requests. A load test repeats one request, and should not measure how it is read."""

    def __init__(self) -> None:
        self._plans: dict[Sent, Plan] = {}

    def recall(self, sent: Sent) -> Plan | None:
        """Return the plan of this very call, if there is one."""
        return self._plans.get(sent)

    def remember(self, plan: Plan, *, sent: Sent) -> None:
        """Keep a plan, unless its request is long or it calls a tool, whose id must be new in each answer."""
        calls_tool = any(isinstance(part, ToolUsePart) for part in plan.answer.parts)
        if calls_tool or len(sent.raw) > LONGEST_REMEMBERED_BYTES:
            return
        if len(self._plans) >= MOST_PLANS:
            self._plans.clear()
        self._plans[sent] = plan
