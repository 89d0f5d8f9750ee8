r"""JSON asked to be ASCII is ASCII, and orjson changes nothing but the speed.

A caller passes `ensure_ascii=True` because the text goes where only ASCII survives: a header, a log on a console with a
code page, a database column of another encoding. orjson always writes UTF-8, so wherever it is installed and the
argument is dropped, raw characters arrive there. Escaping them afterwards with Python's `backslashreplace` is no way
out: `\xe9` and `\U0001f600` are escapes of Python and no JSON at all.

The output must be a text of ASCII that any JSON parser reads back as what was written, for all of Unicode, lone
surrogates included. And whether orjson is installed must not be visible in what is written or read: with it and without
it, every input gives the same value, or is refused in both cases (not-a-number, integers beyond 64 bits, keys that are
no text, `default`, `sort_keys`, `indent`).
"""

from __future__ import annotations

import importlib
import json
import sys
import unicodedata
from collections import OrderedDict
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from harness.subject import Subject

WITH, WITHOUT = "orjson", "no orjson"

TEXTS = {
    "one byte": "caf\xe9 \x80\xff",
    "Thai": "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35 {title}",
    "beyond the first plane": "\U0001f600 and \U0010ffff",
    "backslashes": "C:\\new\\xe9 \\u00e9 \\U0001f600 \xe9 \\",
    "quotes and controls": '"\x00\x1f\n\t\x7f\u2028\u2029"\xe9',
    "not characters": "\ufffe\uffff\ufdd0",
    "lone surrogates": "\ud800 \udfff\ud800",
    "lone surrogates beside others": "\xe9\udcff\U0001f600",
    "ASCII": "plain",
}
INPUTS: dict[str, tuple[Any, dict[str, Any]]] = {
    "not a number": ({"a": [float("nan"), None]}, {}),
    "infinity": ([1, float("inf"), float("-inf")], {}),
    "not a number in indented text": ({"a": float("nan")}, {"indent": 2}),
    "infinity among sorted keys": ({"b": float("inf"), "a": None}, {"sort_keys": True}),
    "an integer of 65 bits": ({"n": 2**64}, {}),
    "a large negative integer": ([-(2**63) - 1], {}),
    "a very large integer": (10**400, {}),
    "a lone surrogate": (["\xe9\ud800"], {}),
    "keys that are numbers": ({1: "a", 2.5: "b"}, {}),
    "keys that are constants": ({None: 1, True: 2, False: 3}, {}),
    "keys that are tuples": ({(1, 2): 3}, {}),
    "keys of two types that are sorted": ({1: 2, "a": 3}, {"sort_keys": True}),
    "a key with a lone surrogate": ({"\udfff": 1}, {}),
    "an unknown type": ({"a": {1, 2}}, {}),
    "bytes": ({"a": b"x"}, {}),
    "a default": ({"a": {3}}, {"default": sorted}),
    "a default that nests": ([{1}, b"x"], {"default": lambda value: {"is": repr(value)}}),
    "a default that refuses": ([object()], {"default": lambda value: value.missing}),
    "sorted keys": ({"b": 1, "a": {"d": 1, "c": 2}, "\xe9": 0, "\U0001f600": 1, "\uffff": 2}, {"sort_keys": True}),
    "keys in their order": (OrderedDict(b=1, a=2), {}),
    "an indent of two": ({"a": [1, {"b": []}]}, {"indent": 2}),
    "an indent of four": ({"a": [1, {"b": {}}]}, {"indent": 4}),
    "separators": ({"a": [1, 2]}, {"separators": (", ", ": ")}),
    "a tuple": ((1, (2,)), {}),
    "small floats": ([1e-7, 1e16, 5e-324, 0.1, -0.0], {}),
}


@contextmanager
def replaced(name: str, module: ModuleType | None) -> Iterator[None]:
    """Let `import name` give a module, or fail; what it gave before is back afterwards."""
    before = sys.modules.pop(name, None)
    modules: dict[str, Any] = sys.modules
    modules[name] = module
    try:
        yield
    finally:
        del sys.modules[name]
        if before is not None:
            sys.modules[name] = before


class Copy:
    """One copy of a subject's `fast_json`, called in the surroundings that it was imported in."""

    def __init__(self, module: ModuleType, orjson: ModuleType | None) -> None:
        """Take a copy that was imported where `import orjson` gave a module, or failed."""
        self._module = module
        self._orjson = orjson

    def dumps(self, *args: Any, **kwargs: Any) -> Any:
        """Call `json_dumps`."""
        with replaced("orjson", self._orjson):
            return self._module.json_dumps(*args, **kwargs)

    def loads(self, *args: Any) -> Any:
        """Call `json_loads`."""
        with replaced("orjson", self._orjson):
            return self._module.json_loads(*args)


@pytest.fixture
def usual(subject: Subject) -> Copy:
    """Give `fast_json` as it is on this machine."""
    return Copy(subject.fast_json, sys.modules.get("orjson"))


@pytest.fixture
def hidden(subject: Subject) -> Copy:
    """Import `fast_json` once more, as on a machine without orjson."""
    usual = subject.fast_json
    package, _, name = usual.__name__.rpartition(".")
    with replaced("orjson", None):
        del sys.modules[usual.__name__]
        try:
            return Copy(importlib.import_module(usual.__name__), None)
        finally:
            sys.modules[usual.__name__] = usual
            setattr(sys.modules[package], name, usual)


@pytest.fixture(params=[WITH, WITHOUT])
def fast_json(request: pytest.FixtureRequest) -> Copy:
    """Give the one copy, then the other."""
    copy: Copy = request.getfixturevalue("usual" if request.param == WITH else "hidden")
    return copy


def attempt(function: Callable[..., Any], *args: Any, **kwargs: Any) -> tuple[str, Any]:
    """Call and tell what came of it; refusals are alike, whatever the exception."""
    try:
        return "gives", function(*args, **kwargs)
    except Exception:  # noqa: BLE001  json, orjson and a subject's own refusals differ in their types
        return "refuses", None


def is_same(one: Any, other: Any) -> bool:
    """Compare values as JSON sees them: order and types count, and not-a-number equals itself."""
    return repr(one) == repr(other)


def value(text: str) -> Any:
    """Read JSON, with the order of its keys."""
    return json.loads(text, object_pairs_hook=lambda pairs: ("object", pairs))


@pytest.mark.parametrize("name", TEXTS)
def test_ascii_output_is_json_that_loads_back_equal(fast_json: Copy, name: str) -> None:
    """With `ensure_ascii`, every text comes out as ASCII that a JSON parser reads back as it was, as value and key."""
    written = {"text": TEXTS[name], TEXTS[name]: [TEXTS[name]]}
    output = fast_json.dumps(written, ensure_ascii=True)
    text = output.decode("utf-8", "surrogatepass") if isinstance(output, bytes) else output
    assert text.isascii(), f"asked for ASCII, it gave {first_other(text)} unescaped"
    outcome, read = attempt(json.loads, text)
    assert outcome == "gives", f"what it gave is no JSON: {text[:60]!r} ({name})"
    assert read == written, f"what it gave loads back as another value: {ascii(read)[:80]} ({name})"
    assert attempt(fast_json.loads, text) == ("gives", written), f"its own reader does not read back {name}"


def first_other(text: str) -> str:
    """Name the first character that is not ASCII."""
    character = next(character for character in text if not character.isascii())
    return f"U+{ord(character):04X} {unicodedata.name(character, '')}".strip()


def test_all_of_unicode_survives(fast_json: Copy) -> None:
    """With `ensure_ascii`, every code point there is survives, surrogates among them."""
    for start in range(0, 0x110000, 0x8000):
        points = "".join(map(chr, reversed(range(start, start + 0x8000))))
        block = f"U+{start:04X} to U+{start + 0x7FFF:04X}"
        outcome, output = attempt(fast_json.dumps, points, ensure_ascii=True)
        assert outcome == "gives", f"asked for ASCII, it refuses {block}"
        assert output.isascii(), f"asked for ASCII, it gave characters of {block} unescaped"
        assert attempt(json.loads, output) == ("gives", points), f"asked for ASCII, it lost characters of {block}"


@pytest.mark.parametrize("name", INPUTS)
def test_both_writers_agree(usual: Copy, hidden: Copy, name: str) -> None:
    """An object gives the same JSON with and without orjson, or is refused in both cases."""
    obj, options = INPUTS[name]
    quick, quick_text = attempt(usual.dumps, obj, **options)
    plain, plain_text = attempt(hidden.dumps, obj, **options)
    assert quick == plain, f"with orjson it {quick} {name}, without it {plain} it"
    if quick == "refuses":
        return
    told = f"{quick_text[:50]!a} with orjson, {plain_text[:50]!a} without"
    assert is_same(value(quick_text), value(plain_text)), f"{name} comes out as {told}"
    assert ("\n" in quick_text) == ("\n" in plain_text), f"{name} comes out as {told}"


@pytest.mark.parametrize("number", [2**64, -(2**63) - 1, 2**64 - 1, 10**30])
def test_integers_stay_exact(fast_json: Copy, number: int) -> None:
    """An integer that was written, however large, is read back as the same integer, unless it was refused."""
    outcome, text = attempt(fast_json.dumps, {"n": number})
    if outcome == "gives":
        read = fast_json.loads(text)["n"]
        assert repr(read) == repr(number), f"{number} was written and read back as {read!r}"
