"""The reference of all variables: their forms and defaults as the settings read them, the words of .env.example.

`./run manage configuration` writes it to docs/configuration.md; a test compares the two.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from rgent.env import BASE_DIR

DOCUMENT = BASE_DIR / "docs" / "configuration.md"
READERS = [BASE_DIR / "rgent" / f"{name}.py" for name in ("settings", "mode", "operating", "selling", "env")]
SECTION = re.compile(r"# -+ (.+?) -+")
VARIABLE = re.compile(r"#([A-Z][A-Z0-9_]+)=(.*)")
# The reader's methods, and the forms that they take.
FORMS = {
    "str": "text",
    "bool": "0 or 1",
    "int": "whole number",
    "port": "port",
    "float": "number above 0",
    "amount": "dollars",
    "list": "list, with commas",
    "origins": "origins, with commas, or *",
    "db": "address of a database",
    "email": "address of a mail server",
}
BY_COMPOSE = "text"
DECIDED = "worked out from others"
HEAD = """# Configuration

Every variable, as the settings read it. Written by `./run manage configuration`, from the settings and
[.env.example](../.env.example): change those. An empty variable counts as unset; a value of another form, or a name in
`.env` that is not here, ends the start with a sentence.
"""


@dataclass(frozen=True, slots=True)
class Read:
    """A variable as the settings read it."""

    form: str
    default: str


def reference() -> str:
    """Return the document."""
    known, parts = variables_read(), [HEAD]
    for section, groups in _explained():
        parts.append(f"\n## {section}\n\n| Variable | Form | Unset | |\n|---|---|---|---|\n")
        for names, words in groups:
            told = words.replace("<", "&lt;").replace("|", r"\|")
            for name, example in names:
                parts.append(_row(name, example, known.get(name), told))
                told = "see above"
    return "".join(parts)


def variables_read() -> dict[str, Read]:
    """Return every variable that the settings read, by name."""
    found: dict[str, Read] = {}
    for path in READERS:
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and (name := _name_of(call)):
                assert isinstance(call.func, ast.Attribute)  # noqa: S101 - `_name_of` says so
                read = Read(_form_of(call), _default_of(call))
                found[name] = read if found.setdefault(name, read) == read else replace(read, default=DECIDED)
    return found


def _name_of(call: ast.Call) -> str:
    """Return the variable that a call of the reader reads; empty for any other call."""
    function = call.func
    if not (isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name) and call.args):
        return ""
    first = call.args[0]
    is_reading = function.value.id == "env" and function.attr in {*FORMS, "choice", "url"}
    return str(first.value) if is_reading and isinstance(first, ast.Constant) else ""


def _form_of(call: ast.Call) -> str:
    options = [str(each.value) for each in call.args[1:] if isinstance(each, ast.Constant)]
    kind = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    if kind == "choice":
        return " or ".join(f"`{option}`" for option in options)
    if kind == "url":
        return "address, " + " or ".join(options)
    return FORMS[kind]


def _default_of(call: ast.Call) -> str:
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    return _told(given["default"]) if "default" in given else "none"


def _told(default: ast.expr) -> str:
    """Return a default in words; one that the mode decides is told for both."""
    if isinstance(default, ast.IfExp) and ast.unparse(default.test) == "SANDBOX":
        return f"{_told(default.orelse)}; {_told(default.body)} in the sandbox"
    if isinstance(default, ast.Constant):
        return _constant(default.value)
    if isinstance(default, ast.List):
        return ", ".join(_told(each) for each in default.elts) or "none"
    if isinstance(default, ast.Call) and ast.unparse(default.func) == "Decimal":
        return _told(default.args[0])
    if isinstance(default, ast.UnaryOp | ast.Name) and ast.unparse(default) in {"SANDBOX", "not SANDBOX"}:
        return "0; 1 in the sandbox" if isinstance(default, ast.Name) else "1; 0 in the sandbox"
    return DECIDED


def _constant(value: object) -> str:
    if isinstance(value, bool):
        return str(int(value))
    return f"`{value}`" if value != "" else "none"


def _row(name: str, example: str, read: Read | None, words: str) -> str:
    """Return a line of a table. A variable that compose alone reads has a form of no reader."""
    form, default = (read.form, read.default) if read else (BY_COMPOSE, f"`{example}`" if example else "none")
    return f"| `{name}` | {form} | {default} | {words} |\n"


def _explained() -> Iterator[tuple[str, list[tuple[list[tuple[str, str]], str]]]]:
    """Yield the sections of .env.example: groups of variables, each with the words that stand before them."""
    section, groups, words, names = "", [], [], []  # type: ignore[var-annotated]
    for line in [*(BASE_DIR / ".env.example").read_text().splitlines(), "# --- end ---"]:
        variable = VARIABLE.fullmatch(line)
        if variable:
            names.append((variable[1], variable[2]))
            continue
        if names:
            groups.append((names, " ".join(words)))
            words, names = [], []
        if heading := SECTION.fullmatch(line):
            if groups:
                yield section, groups
            section, groups, words = heading[1], [], []
        elif line.startswith("# ") and section:
            words.append(line.removeprefix("# "))
