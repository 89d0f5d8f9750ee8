"""JSON: any value in, well-formed text out, read back as what was written, with orjson and without."""

from __future__ import annotations

import importlib
import json
import math
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz.budget import fuzzer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.subject import Subject

FUZZ = fuzzer(__file__)
NAME = "utils.fast_json"
Outcome = tuple[str, Any]
"""``value`` and what came out, or ``refused`` and nothing."""

texts = st.text(
    st.characters(codec=None) | st.characters(categories=["Cs"]) | st.sampled_from('\\"/\x00\x1f\x7f\xe9\U0001f600')
)
numbers = (
    st.integers()
    | st.integers(-(2**70), 2**70)
    | st.sampled_from([2**63, 2**64, 2**64 - 1, -(2**63), -(2**63) - 1, 10**25])
    | st.floats()
    | st.sampled_from([math.nan, math.inf, -math.inf])
)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
keys = texts | st.integers(-3, 3) | st.floats(allow_nan=False) | st.booleans() | st.none()
options = st.fixed_dictionaries(
    {}, optional={"ensure_ascii": st.booleans(), "indent": st.sampled_from([2, 4]), "sort_keys": st.booleans()}
)


@contextmanager
def without_orjson() -> Iterator[Any]:
    """Give a second copy of the module, which was imported where there is no orjson, in those surroundings."""
    modules: dict[str, Any] = {"orjson": None}
    with mock.patch.dict(sys.modules, modules):
        del sys.modules[NAME]
        try:
            yield importlib.import_module(NAME)
        finally:
            sys.modules.pop(NAME, None)


def outcome(call: Any, *args: Any, **kwargs: Any) -> Outcome:
    """Return what a call gave, or that it refused."""
    try:
        return "value", call(*args, **kwargs)
    except (ValueError, TypeError, RecursionError):
        return "refused", None


def expected(value: Any) -> Any:
    """Return what must be read back: no number is null, keys are texts, halves that meet one character."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    if isinstance(value, list):
        return [expected(item) for item in value]
    if isinstance(value, dict):
        return {expected(key): expected(item) for key, item in value.items()}
    return value


def refuse(constant: str) -> None:
    """Refuse the literals that no other parser reads."""
    raise AssertionError(f"{constant} was written, which is no JSON")


def read(text: str) -> Any:
    """Read a text strictly, as any other parser would."""
    try:
        return json.loads(text, parse_constant=refuse)
    except ValueError as error:
        raise AssertionError(f"what was written is no JSON: {error}: {text[:80]!r}") from error


def may_be_refused(value: Any) -> bool:
    """Tell whether a value holds a number that JSON does not have, so that a tree may refuse it instead of a null."""
    if isinstance(value, dict):
        value = list(value.values())
    return any(map(may_be_refused, value)) if isinstance(value, list) else expected(value) is not value


@FUZZ.tries
@given(value=values, chosen=options)
def test_what_is_written_is_read_back(*, subject: Subject, value: Any, chosen: dict[str, Any]) -> None:
    """Any value becomes JSON that holds it, in ASCII where that is asked for; only what is no number may be refused."""
    try:
        text = subject.fast_json.json_dumps(value, **chosen)
    except ValueError:
        if may_be_refused(value):
            return
        raise
    assert isinstance(text, str), f"{type(text).__name__} was returned instead of a text"
    if chosen.get("ensure_ascii"):
        assert text.isascii(), f"asked for ASCII, it gave {text[:80]!r}"
    back = read(text)
    assert _same(back, expected(value)), f"{value!r} was read back as {back!r}"


@FUZZ.tries
@given(value=values | st.dictionaries(keys, values, max_size=4), chosen=options)
def test_orjson_changes_nothing(*, subject: Subject, value: Any, chosen: dict[str, Any]) -> None:
    """With orjson and without, the same value is written, or both refuse it."""
    if not subject.fast_json.is_orjson_enabled():
        pytest.skip("orjson is not installed")
    with_it = outcome(subject.fast_json.json_dumps, value, **chosen)
    with without_orjson() as module:
        without_it = outcome(module.json_dumps, value, **chosen)
    assert with_it[0] == without_it[0], f"with orjson {value!r} is a {with_it[0]}, without it a {without_it[0]}"
    if with_it[0] == "value":
        first, second = read(with_it[1]), read(without_it[1])
        assert _same(first, second), f"{value!r} is written as {first!r} with orjson and as {second!r} without"


@FUZZ.tries
@given(
    data=texts
    | st.binary()
    | values.map(json.dumps)
    | values.map(lambda value: json.dumps(value, ensure_ascii=False, indent=1))
    | st.from_regex(r"-?[0-9]{1,30}(\.[0-9]{1,5})?([eE][+-]?[0-9]{1,4})?", fullmatch=True)
)
def test_reading_agrees(*, subject: Subject, data: str | bytes) -> None:
    """Any text or bytes are read to the same value with orjson and without, or refused by both."""
    with_it = outcome(subject.fast_json.json_loads, data)
    with without_orjson() as module:
        without_it = outcome(module.json_loads, data)
    assert with_it[0] == without_it[0], f"{data!r} is a {with_it[0]} with orjson, a {without_it[0]} without"
    assert _same(with_it[1], without_it[1]), f"{data!r} is read as {with_it[1]!r} or {without_it[1]!r}"


def _same(one: Any, other: Any) -> bool:
    """Tell whether two values are the same, 1 and 1.0 and True apart."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return type(one) is type(other) and (one == other or (one != one and other != other))  # noqa: PLR0124  NaN
