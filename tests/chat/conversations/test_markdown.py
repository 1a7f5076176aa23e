"""Answers typeset: inert whatever they hold, and soon enough."""

import time
from html.parser import HTMLParser

import pytest

from chat.conversations.markdown import render

HOSTILE = """
<script>alert(1)</script> <img src=x onerror=alert(1)> <iframe srcdoc="<script>alert(1)</script>"></iframe>
[a](javascript:alert(1)) [b](JaVaScRiPt:alert(1)) [c](data:text/html,<script>)
<a href="javascript:x">d</a>
![e](https://evil.example/?said=all) [f](https://good.example "t\\" onmouseover=alert(1)")
<style>body{display:none}</style> <svg onload=alert(1)> <form action=https://evil.example><input name=a></form>

```"><script>alert(1)</script>
</code></pre><script>alert(1)</script>
```
"""
PATHOLOGICAL = {
    "code": "```python\n" + "def f(x): return x + 1\n" * 10_000 + "```",
    "table": "|a|b|\n|-|-|\n" + "|1|2|\n" * 20_000,
    "brackets": "[" * 200_000,
    "emphasis": "*a _b " * 30_000,
    "quotes": ">" * 20_000 + "x",
    "columns": "|a" * 2_500 + "\n" + "|-" * 2_500 + "\n" + ("|a" * 2_500 + "\n") * 5,
    "cells that are filled up": "|a" * 250 + "\n" + "|-" * 250 + "\n" + "x\n" * 250,
    "fence characters": "`" * 39_000,
    "words after a fence that is none": "```a`\n" + "*a _b " * 20_000,
    "words after a fence that is closed": "```\n   ```\r" + "*a _b " * 20_000,
    "html": "<div><script>x</script>" * 10_000,
}


class Tags(HTMLParser):
    """Reads HTML as a browser does, and keeps its tags and their attributes."""

    def __init__(self, made: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: dict[str, set[str | None]] = {}
        self.feed(made)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep a tag."""
        self.names.add(tag)
        for name, value in attrs:
            self.attributes.setdefault(name, set()).add(value)


def test_nothing_of_a_hostile_answer_runs_or_is_loaded():
    tags = Tags(render(HOSTILE))

    assert tags.names == {"p", "a", "pre", "code"}
    assert tags.attributes.keys() == {"href", "title", "rel", "class"}
    assert tags.attributes["href"] == {"https://evil.example/?said=all", "https://good.example"}


@pytest.mark.parametrize("name", PATHOLOGICAL)
def test_an_answer_of_any_size_is_typeset_in_200_ms(name: str):
    began_s = time.process_time()

    made = render(PATHOLOGICAL[name])

    assert time.process_time() - began_s < 0.2
    assert "<script" not in made


def test_a_long_line_of_backticks_is_read_once():
    began_s = time.process_time()

    made = render("`" * 200_000)

    assert time.process_time() - began_s < 0.1
    assert made == f"<pre>{'`' * 200_000}</pre>"


def test_a_table_of_too_many_cells_stays_as_it_was_written_and_the_rest_is_typeset():
    made = render("**a**\n\n" + "|a" * 2_500 + "\n" + "|-" * 2_500 + "\n")

    assert made.startswith("<p><strong>a</strong></p>")
    assert "<table" not in made


def test_code_has_colours_and_tables_are_tables():
    made = render("```python\nreturn 1\n```\n\n|a|\n|-|\n|1|\n")

    assert '<code class="language-python"><span class="k">return</span>' in made
    assert "<td>1</td>" in made
