"""The installed SDK's types have no field, block, tool, edit or beta for which there is no rule."""

import importlib
from collections.abc import Iterator
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest
from anthropic.types import anthropic_beta_param, message_create_params, message_delta_usage, usage
from anthropic.types.beta import beta_message_delta_usage, beta_usage
from anthropic.types.beta import message_create_params as beta_message_create_params

from chat import betas, input_kinds
from chat.price_rules import PRICE_RULES

# Fields of `usage`: counts that are billed or kept, details of them, and the ones that are compared with what is sold.
USAGE_BILLED = {
    "cache_creation",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
    "input_tokens",
    "iterations",
    "output_tokens",
    "server_tool_use",
}
USAGE_DETAILS = {"fallback_credit", "output_tokens_details"}
USAGE_COMPARED = {"inference_geo", "service_tier", "speed"}
ITERATIONS_KNOWN = {"message", "compaction", "advisor_message", "fallback_message"}
SOURCES_KNOWN = {"base64", "content", "file", "text", "url"}


def sdk_type(name: str) -> Any:
    """Return a type of the SDK by its module and its name, `beta.beta_tool_union_param:BetaToolUnionParam`."""
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(f"anthropic.types.{module}"), attribute)


def members(kind: Any) -> Iterator[Any]:
    """Yield the classes of a union, however deep, without `None` and without lists around them."""
    if get_origin(kind) is Literal or kind in (str, type(None)):
        return
    arguments = get_args(kind)
    if arguments:
        for each in arguments if get_origin(kind) is Union else arguments[:1]:
            yield from members(each)
    elif isinstance(kind, type):
        yield kind


def literals(kind: Any) -> Iterator[str]:
    """Yield the values of every `Literal` within a type."""
    if get_origin(kind) is Literal:
        yield from get_args(kind)
    for each in get_args(kind) if get_origin(kind) is not Literal else ():
        yield from literals(each)


def hints(kind: Any) -> dict[str, Any]:
    """Return the fields of a class of parameters, or of a model of an answer, with their types."""
    if hasattr(kind, "model_fields"):
        return {name: field.annotation for name, field in kind.model_fields.items()}
    return get_type_hints(kind, include_extras=True)


def type_names(kind: Any) -> set[str]:
    """Return the values that `type` has in the classes of a union."""
    return {name for each in members(kind) for name in literals(hints(each)["type"])}


def fields_of(*kinds: Any) -> set[str]:
    return {name for kind in kinds for name in hints(kind)}


def test_every_field_of_the_body_has_a_bound():
    plain, beta = message_create_params, beta_message_create_params
    fields = fields_of(
        plain.MessageCreateParamsNonStreaming,
        plain.MessageCreateParamsStreaming,
        beta.MessageCreateParamsNonStreaming,
        beta.MessageCreateParamsStreaming,
    )

    assert len(fields) > 20
    assert fields <= input_kinds.FIELDS.keys()


def test_a_refused_field_has_a_sentence_and_a_sentence_has_a_field():
    refused = {name for name, bound in input_kinds.FIELDS.items() if bound is input_kinds.FieldBound.REFUSED}

    assert refused <= PRICE_RULES.keys() <= input_kinds.FIELDS.keys()


@pytest.mark.parametrize(
    "union",
    [
        "content_block_param:ContentBlockParam",
        "beta.beta_content_block_param:BetaContentBlockParam",
        "beta.beta_tool_result_block_param:Content",
        "beta.beta_system_message_param:ContentBlock",
        "beta.beta_compaction_block_param:ToolChange",
        "beta.beta_tool_search_tool_result_block_param:Content",
        "beta.beta_request_tool_addition_block_param:Tool",
    ],
)
def test_every_content_block_has_a_bound(union):
    known = (
        input_kinds.WHOLE_IN_THE_BODY
        | input_kinds.BLOCKS_OF_WINDOW
        | input_kinds.BLOCKS_RENDERED
        | input_kinds.BLOCKS_OF_SOURCE
        | {"tool_definition"}
    )

    found = type_names(sdk_type(union))

    assert found
    assert found <= known


@pytest.mark.parametrize(
    "union", ["beta.beta_request_document_block_param:Source", "beta.beta_image_block_param:Source"]
)
def test_every_source_of_a_document_and_a_picture_has_a_bound(union):
    assert type_names(sdk_type(union)) <= SOURCES_KNOWN


@pytest.mark.parametrize("union", ["tool_union_param:ToolUnionParam", "beta.beta_tool_union_param:BetaToolUnionParam"])
def test_every_tool_has_a_bound_or_is_not_sold(union):
    starts = (
        *input_kinds.TOOLS_THE_CALLER_RUNS,
        *input_kinds.TOOLS_CLAUDE_RUNS,
        input_kinds.TOOL_SEARCH,
        input_kinds.ADVISOR,
    )

    tools = type_names(sdk_type(union)) - {"custom"}

    assert len(tools) > 10
    assert [tool for tool in tools if not tool.startswith(starts)] == []


def test_every_edit_of_the_context_has_a_bound():
    edits = type_names(sdk_type("beta.beta_context_management_config_param:Edit"))

    assert edits
    assert all(edit.startswith(input_kinds.EDITS_KNOWN) for edit in edits)


def test_every_way_to_keep_a_thread_has_a_bound():
    assert type_names(sdk_type("beta.beta_message_thread_param:BetaMessageThreadParam")) == {"create", "continue"}


def test_every_beta_has_a_rule():
    names = set(literals(anthropic_beta_param.AnthropicBetaParam))

    assert len(names) > 50
    assert {betas.undated(name) for name in names} <= betas.FORWARDED | betas.WITHHELD
    assert not betas.FORWARDED & betas.WITHHELD


def test_every_field_of_usage_is_billed_compared_or_a_detail():
    fields = fields_of(
        usage.Usage,
        message_delta_usage.MessageDeltaUsage,
        beta_usage.BetaUsage,
        beta_message_delta_usage.BetaMessageDeltaUsage,
    )

    assert fields == USAGE_BILLED | USAGE_DETAILS | USAGE_COMPARED


def test_every_kind_of_iteration_is_known():
    assert type_names(sdk_type("beta.beta_iterations_usage:BetaIterationsUsageItem")) == ITERATIONS_KNOWN
