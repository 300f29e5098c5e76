"""Message types → tables of their fields: what msgspec checks, with the text under the field in the code."""

from __future__ import annotations

import ast
import inspect
import json
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise
from typing import Any

import msgspec

from cli.reference.markdown import code, table

Type = type[msgspec.Struct]
Schema = Mapping[str, Any]


def definitions(kind: Any) -> Mapping[str, Schema]:
    """JSON Schemas by type name."""
    (_,), found = msgspec.json.schema_components([kind], ref_template="{name}")
    return found


def fields_table(struct: Type, schema: Schema) -> str:
    """One row for each field, as it stands on the wire."""
    texts, required = field_texts(struct), set(schema.get("required", ()))
    python_names = {each.encode_name: each.name for each in msgspec.structs.fields(struct)}
    rows = []
    for name, property_schema in schema["properties"].items():
        default = "required" if name in required else _default(property_schema)
        rows.append((code(name), type_text(property_schema), default, texts.get(python_names.get(name, ""), "")))
    return table(("field", "type", "default", "meaning"), rows)


def _default(schema: Schema) -> str:
    if "default" not in schema:
        return ""
    value = schema["default"]
    is_empty = value is None or (isinstance(value, dict) and set(value.values()) <= {None})
    return "absent" if is_empty else code(json.dumps(value, ensure_ascii=False))


def type_text(schema: Schema) -> str:
    """A schema in words: "text", "list of text", "one of `a`, `b`"."""
    if "$ref" in schema:
        return f"[{schema['$ref']}](#{schema['$ref'].lower()})"
    if len(schema.get("enum", ())) == 1:
        return f"always {code(str(schema['enum'][0]))}"
    if "enum" in schema:
        return "one of " + ", ".join(code(str(each)) for each in schema["enum"] if each is not None)
    if "anyOf" in schema:
        parts = [type_text(each) for each in schema["anyOf"] if each.get("type") != "null"]
        return " or ".join(dict.fromkeys(parts))
    kind = schema.get("type")
    if kind == "array":
        return f"list of {type_text(schema.get('items') or {})}"
    if kind == "object":
        return f"object of {type_text(schema.get('additionalProperties') or {})}"
    return {"string": "text", "integer": "whole number", "boolean": "true or false", "number": "number"}.get(
        str(kind), str(kind or "anything")
    )


@cache
def field_texts(struct: Type) -> Mapping[str, str]:
    """The text under each field, by Python name; base classes first."""
    found: dict[str, str] = {}
    for base in reversed(struct.__mro__):
        if issubclass(base, msgspec.Struct) and base is not msgspec.Struct:
            found.update(_texts_in(inspect.getsource(base)))
    return found


def _texts_in(source: str) -> Iterator[tuple[str, str]]:
    (definition,) = ast.parse(source).body
    assert isinstance(definition, ast.ClassDef)
    for node, after in pairwise(definition.body):
        if isinstance(node, ast.AnnAssign) and isinstance(after, ast.Expr):
            yield ast.unparse(node.target), str(ast.literal_eval(after.value))


def about(struct: Type) -> str:
    """The type's docstring, "" if it has none of its own."""
    return inspect.cleandoc(struct.__doc__ or "") if "__doc__" in vars(struct) and struct.__doc__ else ""


def parts_of(struct: Type, schemas: Mapping[str, Schema]) -> list[str]:
    """Names of the types that a type's fields speak of, depth first, each once."""
    found: list[str] = []
    for name in _references(schemas[struct.__name__]):
        if name not in found:
            found.append(name)
            found.extend(inner for inner in _references(schemas[name]) if inner not in found)
    return found


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, Mapping):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"]
        for name, value in schema.items():
            if name != "discriminator":
                yield from _references(value)
    elif isinstance(schema, list):
        for each in schema:
            yield from _references(each)
