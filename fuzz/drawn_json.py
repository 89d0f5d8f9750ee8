"""JSON as Hypothesis draws it: odd values, and bodies that a schema describes, right in most places."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["described", "odd"]

Schema = dict[str, Any]
Hints = dict[str, st.SearchStrategy[Any]]

NUMBERS = st.integers(0, 16) | st.sampled_from([-1, 25, 60, 100, 2000, 2**31, 2**53, 2**63 - 1, 2**63, 2**64, 10**400])
TEXTS = st.sampled_from(
    ["", "a", "word", "two words", "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35", "a" * 101, " ", "\x00"]
) | st.text(max_size=5)

FLOATS = st.floats(allow_nan=False, allow_infinity=False)

odd: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | NUMBERS | FLOATS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
"""Any JSON, numbers of four hundred digits among it."""

DEEPEST = 6
"""How many objects may stand within each other where a schema allows any number."""


def described(schema: Schema, hints: Mapping[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    """Return what a JSON schema describes; any part may be odd instead, in one of thirty cases.

    Args:
        schema: as pydantic writes it.
        hints: what fields of a name hold, where the schema does not know it.
    """
    return st.composite(lambda draw: _draw(draw, schema, "", (schema.get("$defs", {}), hints), 0))()


def _draw(draw: Any, part: Schema, name: str, known: tuple[Schema, Mapping[str, Any]], depth: int) -> Any:
    if draw(st.integers(0, 29)) == 29:
        return draw(odd)
    definitions, hints = known
    if "$ref" in part:
        return _draw(draw, definitions[part["$ref"].rpartition("/")[2]], name, known, depth)
    for key in ("anyOf", "oneOf", "allOf"):
        if key in part:
            offered = [each for each in part[key] if depth < DEEPEST or each.get("type") == "null"] or part[key]
            return _draw(draw, draw(st.sampled_from(offered)), name, known, depth)
    kind = part.get("type")
    if kind == "object":
        return {
            field: _draw(draw, inner, field, known, depth + 1)
            for field, inner in part.get("properties", {}).items()
            if (field in part.get("required", ()) and draw(st.integers(0, 39)) < 39) or draw(st.integers(0, 3)) == 3
        }
    if kind == "array":
        count = draw(st.integers(0, 2 if depth < DEEPEST else 0))
        return [_draw(draw, part.get("items", {}), name, known, depth + 1) for _ in range(count)]
    return draw(_single(part, name, hints))


def _single(part: Schema, name: str, hints: Mapping[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    if name in hints:
        return hints[name]
    if "const" in part or "enum" in part:
        return st.sampled_from(part.get("enum") or [part["const"]])
    return {
        "integer": NUMBERS,
        "number": NUMBERS | st.floats(-2, 200),
        "boolean": st.booleans(),
        "string": TEXTS,
        "null": st.none(),
    }.get(part.get("type", ""), odd)
