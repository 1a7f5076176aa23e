"""The reference of the management API, made from the OpenAPI document, a page for each resource."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.conf import settings
from drf_spectacular.generators import SchemaGenerator

from rgent.management_api.schema import KeySchemes  # noqa: F401 - registers itself

Schema = Mapping[str, Any]
METHODS = ("get", "post", "put", "patch", "delete")
# Deeper fields of an answer are found by their name in the document itself.
DEEPEST = 4


class NoSuchResource(Exception):
    """The API has no resource of this name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field of a body or an answer, or a parameter. `path` is such as `data[].id`."""

    path: str
    kind: str
    required: bool
    description: str
    values: tuple[str, ...] = ()
    place: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer of one status."""

    status: str
    description: str
    fields: tuple[Field, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one address."""

    id: str
    method: str
    path: str
    summary: str
    paragraphs: tuple[str, ...]
    parameters: tuple[Field, ...]
    body: tuple[Field, ...]
    answers: tuple[Answer, ...]
    errors: tuple[Answer, ...]
    call: str


@dataclass(frozen=True, slots=True)
class Resource:
    """A part of the API, such as keys."""

    slug: str
    operations: tuple[Operation, ...]

    @property
    def title(self) -> str:
        """The name as a heading."""
        return self.slug.capitalize()


@cache
def resources() -> tuple[Resource, ...]:
    """Return every resource, in the order of the document."""
    document = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    by_slug: dict[str, list[Operation]] = {}
    for path, methods in document["paths"].items():
        for method in METHODS:
            if method in methods:
                operation = _operation(document, path=path, method=method, told=methods[method])
                by_slug.setdefault(methods[method]["tags"][0], []).append(operation)
    return tuple(Resource(slug, tuple(operations)) for slug, operations in by_slug.items())


def resource(slug: str) -> Resource:
    """Return a resource. Raises NoSuchResource."""
    for each in resources():
        if each.slug == slug:
            return each
    raise NoSuchResource(slug)


def _operation(document: Schema, *, path: str, method: str, told: Schema) -> Operation:
    body = _json_schema(told.get("requestBody", {}))
    answers = [_answer(document, status, answer) for status, answer in sorted(told["responses"].items())]
    return Operation(
        id=told["operationId"],
        method=method.upper(),
        path=path,
        summary=told.get("summary", ""),
        paragraphs=tuple(" ".join(part.split()) for part in told.get("description", "").split("\n\n")),
        parameters=tuple(_parameter(document, each) for each in told.get("parameters", [])),
        body=tuple(_fields(document, body)),
        answers=tuple(answer for answer in answers if answer.status < "400"),
        errors=tuple(answer for answer in answers if answer.status >= "400"),
        call=_call(document, path=path, method=method.upper(), body=body),
    )


def _parameter(document: Schema, told: Schema) -> Field:
    schema = _resolved(document, told["schema"])
    return Field(
        path=told["name"],
        kind=_kind(schema),
        required=bool(told.get("required")),
        description=told.get("description", ""),
        values=_values(schema),
        place=told["in"],
    )


def _answer(document: Schema, status: str, told: Schema) -> Answer:
    fields = () if status >= "400" else tuple(_fields(document, _json_schema(told)))
    return Answer(status=status, description=told.get("description", ""), fields=fields)


def _json_schema(told: Schema) -> Schema:
    schema: Schema = told.get("content", {}).get("application/json", {}).get("schema", {})
    return schema


def _fields(document: Schema, schema: Schema, *, prefix: str = "", depth: int = 1) -> Iterator[Field]:
    """Yield the fields of an object, or of the objects of a list, those inside them too."""
    schema = _resolved(document, schema)
    if schema.get("type") == "array":
        yield from _fields(document, schema["items"], prefix=f"{prefix}[].".lstrip("."), depth=depth)
        return
    for name, told in schema.get("properties", {}).items():
        inner = _resolved(document, told)
        path = f"{prefix}{name}"
        yield Field(
            path=path,
            kind=_kind(inner),
            required=name in schema.get("required", ()),
            description=told.get("description") or inner.get("description", ""),
            values=_values(inner),
        )
        if depth < DEEPEST:
            is_list = inner.get("type") == "array"
            below = f"{path}[]." if is_list else f"{path}."
            yield from _fields(document, inner["items"] if is_list else inner, prefix=below, depth=depth + 1)


def _resolved(document: Schema, schema: Schema) -> Schema:
    """Follow references. Of `allOf` and `oneOf` the first part stands for all, as drf-spectacular writes them."""
    for word in ("allOf", "oneOf"):
        if word in schema:
            extra = {name: value for name, value in schema.items() if name != word}
            return {**_resolved(document, schema[word][0]), **extra}
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return _resolved(document, document["components"]["schemas"][name])
    return schema


def _kind(schema: Schema) -> str:
    kind = str(schema.get("format") or schema.get("type") or "any")
    if schema.get("type") == "array":
        kind = "list"
    return f"{kind} or null" if schema.get("nullable") else kind


def _values(schema: Schema) -> tuple[str, ...]:
    items = schema.get("items", {}) if schema.get("type") == "array" else schema
    return tuple(str(each) for each in items.get("enum", ()) if each not in {None, ""})


def _call(document: Schema, *, path: str, method: str, body: Schema) -> str:
    """Return the call for curl, with the fields that a body must have."""
    lines = ["curl" if method == "GET" else f"curl -X {method}", f"{settings.PUBLIC_URL}{path}"]
    head = f'{lines[0]} {lines[1]} \\\n  -H "authorization: Bearer $RGENT_API_KEY"'
    schema = _resolved(document, body)
    if not schema:
        return head
    needed = {name: _example(document, schema["properties"][name]) for name in schema.get("required", ())}
    return f"{head} \\\n  -H \"content-type: application/json\" \\\n  -d '{json.dumps(needed)}'"


def _example(document: Schema, schema: Schema) -> Any:
    schema = _resolved(document, schema)
    if "example" in schema:
        return schema["example"]
    if values := _values(schema):
        return values[0]
    kinds = {"array": [], "integer": 1, "boolean": True}
    return kinds.get(str(schema.get("type")), "...")
