"""Strict validators for every request, made from the official SDK's own parameter types.

The SDK's files are read as text and not imported. That keeps the start fast, and lets the sandbox close three gaps: the
SDK's enums are open (`Literal['month'] | str`), unknown keys pass, and every class carries the SDK's own request
options (`idempotency_key`, `api_key`), which are not sent as parameters.
"""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
import types
import typing
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import typing_extensions
from pydantic import BeforeValidator, ConfigDict, TypeAdapter, ValidationError

from sandbox.stripe_api.protocol.errors import InvalidRequest, StripeError, missing

Params = dict[str, Any]

_CLOSED = ConfigDict(extra="forbid", arbitrary_types_allowed=True)
_WHOLE = re.compile(r"-?\d{1,15}")


def validate(name: str, given: Params) -> Params:
    """Check decoded form parameters against the SDK's type `name` (`PriceCreateParams`, `billing.MeterCreateParams`).

    Returns them converted (integers, booleans, Decimal, lists). Raises InvalidRequest with Stripe's wording and
    `param`.
    """
    try:
        return typing.cast(Params, _adapter(name).validate_python(given))
    except ValidationError as error:
        raise _translate(error, given) from None


@cache
def _adapter(name: str) -> TypeAdapter[Any]:
    package, _, class_name = name.rpartition(".")
    module = _load(package, class_name)
    adapter = TypeAdapter(getattr(module, class_name))
    adapter.rebuild(raise_errors=True)
    return adapter


def _load(package: str, class_name: str) -> types.ModuleType:
    stem = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", class_name).lower()
    path = _sdk_folder().joinpath("params", *package.split("."), f"_{stem}.py")
    module = types.ModuleType(f"sandbox.stripe_api._sdk_params.{package or 'core'}.{stem}")
    vars(module).update(_FORM_TYPES)
    sys.modules[module.__name__] = module  # pydantic looks forward references up here
    tree = ast.fix_missing_locations(_Closed().visit(ast.parse(path.read_text(encoding="utf-8"))))
    exec(compile(tree, str(path), "exec"), vars(module))  # noqa: S102 - the installed SDK's own code
    for value in vars(module).values():
        if hasattr(value, "__required_keys__"):
            value.__pydantic_config__ = _CLOSED
    return module


@cache
def _sdk_folder() -> Path:
    spec = importlib.util.find_spec("stripe")
    if spec is None or spec.origin is None:
        raise RuntimeError(
            "The sandbox checks requests against the types of the package `stripe`, which is not installed."
        )
    return Path(spec.origin).parent


class _Closed(ast.NodeTransformer):
    """Rewrites an SDK parameter module: no imports, no request options, closed enums, no SDK object types."""

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        """Drop imports: `_FORM_TYPES` gives every name."""

    def visit_If(self, node: ast.If) -> None:
        """Drop `if TYPE_CHECKING:` blocks."""

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        node.bases = [
            ast.Name("TypedDict", ast.Load()) if _name(base) == "RequestOptions" else base for base in node.bases
        ]
        self.generic_visit(node)
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        if isinstance(node.value, str) and re.search(r"[\[|]", node.value):
            try:
                inner = ast.parse(node.value, mode="eval").body
            except SyntaxError:
                return node  # a docstring
            return self._rewrite(inner)
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.Expr | ast.Pass:
        return ast.Pass() if isinstance(node.value, ast.Constant) else node

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        if _name(node.value) == "Literal":
            return node
        return self._rewrite(node) if _name(node.value) == "Union" else self._inside(node)

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        return self._rewrite(node)

    def _inside(self, node: ast.expr) -> ast.expr:
        self.generic_visit(node)
        return node

    def _rewrite(self, node: ast.expr) -> ast.expr:
        """Return a union without its open half: `str` beside an enum, the SDK's own object beside a dictionary."""
        members = _members(node)
        closes = any(_enumerates(member) for member in members)
        kept = [m for m in members if not (closes and _name(m) == "str") and not _is_sdk_object(m)]
        visited = [self._inside_member(member) for member in kept]
        if len(visited) == 1:
            return visited[0]
        return ast.Subscript(ast.Name("Union", ast.Load()), ast.Tuple(visited, ast.Load()), ast.Load())

    def _inside_member(self, member: ast.expr) -> ast.expr:
        if isinstance(member, ast.Name):  # a class further down in the file
            return ast.Constant(member.id)
        return typing.cast(ast.expr, self.visit(member)) if not _is_literal(member) else member


def _members(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return _members(node.left) + _members(node.right)
    if isinstance(node, ast.Subscript) and _name(node.value) == "Union":
        inner = node.slice
        parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
        return [member for part in parts for member in _members(part)]
    return [node]


def _name(node: ast.expr) -> str | None:
    return node.id if isinstance(node, ast.Name) else None


def _is_literal(node: ast.expr) -> bool:
    return isinstance(node, ast.Subscript) and _name(node.value) == "Literal"


def _enumerates(node: ast.expr) -> bool:
    """Tell whether this is a Literal with a value other than the empty string, which only means "unset"."""
    return _is_literal(node) and any(isinstance(c, ast.Constant) and c.value != "" for c in ast.walk(node))


def _is_sdk_object(node: ast.expr) -> bool:
    return isinstance(node, ast.Subscript) and _name(node.value) == "UntypedStripeObject"


# Readers of form values: everything arrives as text, and a list as a dictionary with whole numbers as keys.


def _boolean(value: Any) -> Any:
    if value in ("true", "false"):
        return value == "true"
    if isinstance(value, bool):
        return value
    raise ValueError("boolean")


def _whole(value: Any) -> Any:
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise ValueError("integer")


def _number(value: Any) -> Any:
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,15}(\.\d{1,20})?", value):
        return value
    if isinstance(value, Decimal):
        return value
    raise ValueError("decimal")


def _array(value: Any) -> Any:
    if value == "":
        return []
    if isinstance(value, dict) and all(key.isdigit() for key in value):
        return [value[key] for key in sorted(value, key=int)]
    return value


class _FormList:
    """`List[X]` of the SDK, read from a form."""

    def __class_getitem__(cls, item: Any) -> Any:
        return Annotated[typing.List[item], BeforeValidator(_array)]  # noqa: UP006 - resolves names given as text


_FORM_TYPES: dict[str, Any] = {
    "bool": Annotated[bool, BeforeValidator(_boolean)],
    "int": Annotated[int, BeforeValidator(_whole)],
    "float": Annotated[float, BeforeValidator(_number)],
    "Decimal": Annotated[Decimal, BeforeValidator(_number)],
    "List": _FormList,
    "Dict": typing.Dict,  # noqa: UP006 - the SDK's own spelling
    "Mapping": typing.Mapping,
    "Optional": typing.Optional,
    "Union": typing.Union,
    "Any": Any,
    "Literal": typing_extensions.Literal,
    "NotRequired": typing_extensions.NotRequired,
    "TypedDict": typing_extensions.TypedDict,
}

_KINDS = {"boolean": "boolean", "integer": "integer", "decimal": "decimal"}


def _translate(error: ValidationError, given: Params) -> StripeError:
    """Return Stripe's sentence for the first problem. Unknown parameters come first, as at Stripe."""
    problems = error.errors(include_url=False)
    unknown = [problem for problem in problems if problem["type"] == "extra_forbidden"]
    if unknown:
        names = list(dict.fromkeys(_param(problem["loc"], given) for problem in unknown))
        plural = "s" if len(names) > 1 else ""
        return InvalidRequest(
            f"Received unknown parameter{plural}: {', '.join(names)}", code="parameter_unknown", param=names[0]
        )
    deepest = max(problems, key=lambda problem: len(_known_path(problem["loc"], given)))
    return _sentence(deepest["type"], _param(deepest["loc"], given), deepest)


def _sentence(kind: str, param: str, problem: Any) -> StripeError:
    if kind == "missing":
        return missing(param)
    if kind == "literal_error":
        allowed = str(problem["ctx"]["expected"]).replace("'", "").replace(" or ", ", or ")
        return InvalidRequest(f"Invalid {param}: must be one of {allowed}", param=param)
    if kind == "value_error" and (wanted := _KINDS.get(str(problem["ctx"]["error"]))):
        return InvalidRequest(f"Invalid {wanted}: {problem['input']}", code=f"parameter_invalid_{wanted}", param=param)
    if kind in ("dict_type", "list_type", "string_type"):
        wanted = {"dict_type": "object", "list_type": "array", "string_type": "string"}[kind]
        return InvalidRequest(f"Invalid {wanted}", param=param)
    return InvalidRequest(f"Invalid {param}", param=param)


def _param(location: tuple[int | str, ...], given: Params) -> str:
    """Name a parameter as Stripe does: `("recurring", "interval")` -> `recurring[interval]`."""
    first, *rest = _known_path(location, given) or ["?"]
    return f"{first}" + "".join(f"[{part}]" for part in rest)


def _known_path(location: tuple[int | str, ...], given: Params) -> list[str]:
    """Return the location without the names that pydantic adds for the members of a union."""
    path: list[str] = []
    current: Any = given
    for index, part in enumerate(location):
        if isinstance(current, dict) and str(part) in current:
            current = current[str(part)]
            path.append(str(part))
        elif index == len(location) - 1 and isinstance(current, dict) and re.fullmatch(r"[a-z0-9_]+", str(part)):
            path.append(str(part))
    return path
