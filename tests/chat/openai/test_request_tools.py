"""Tools of a chat completion, and the choice among them, translated for Claude."""

import pytest

from tests.chat.openai.calls import WEATHER
from tests.chat.openai.test_request import translated


def test_a_tool_is_described_as_it_was():
    function = WEATHER["function"]

    assert translated(tools=[WEATHER])["tools"] == [
        {
            "name": "get_weather",
            "description": "Tell the weather.",
            "input_schema": function["parameters"],
        }
    ]


@pytest.mark.parametrize("parameters", [{}, {"parameters": None}, {"parameters": {}}])
def test_a_tool_without_parameters_takes_an_empty_object(parameters):
    tool = {"type": "function", "function": {"name": "now", "strict": True, **parameters}}

    assert translated(tools=[tool])["tools"] == [{"name": "now", "input_schema": {"type": "object"}, "strict": True}]


NAMED = {"type": "function", "function": {"name": "get_weather"}}


@pytest.mark.parametrize(
    ("fields", "choice"),
    [
        ({}, None),
        ({"parallel_tool_calls": True}, None),
        ({"tool_choice": "auto"}, {"type": "auto"}),
        ({"tool_choice": "none"}, {"type": "none"}),
        ({"tool_choice": "none", "parallel_tool_calls": False}, {"type": "none"}),
        ({"tool_choice": "required"}, {"type": "any"}),
        ({"tool_choice": NAMED}, {"type": "tool", "name": "get_weather"}),
        ({"parallel_tool_calls": False}, {"type": "auto", "disable_parallel_tool_use": True}),
        (
            {"tool_choice": "required", "parallel_tool_calls": False},
            {"type": "any", "disable_parallel_tool_use": True},
        ),
    ],
)
def test_a_tool_choice_is_claudes_word_for_it(fields, choice):
    assert translated(tools=[WEATHER], **fields).get("tool_choice") == choice


@pytest.mark.parametrize("choice", [None, "auto", "none"])
def test_a_choice_that_forces_nothing_is_left_out_without_tools(choice):
    assert "tool_choice" not in translated(tool_choice=choice, tools=[], parallel_tool_calls=False)
