"""JSON: the facts beyond its regression."""

from __future__ import annotations

import dataclasses
import json
import math
from collections import OrderedDict, defaultdict, namedtuple
from datetime import UTC, date, datetime, time
from enum import Enum, IntEnum, StrEnum
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference.utils import fast_json
from reference.utils.fast_json import is_orjson_enabled, json_dumps, json_dumps_bytes, json_loads

if TYPE_CHECKING:
    from collections.abc import Iterator

Point = namedtuple("Point", "x y")  # noqa: PYI024  the untyped kind is what is tried


class Colour(Enum):
    """An enum of texts."""

    RED = "red"


class Level(IntEnum):
    """An enum of numbers."""

    HIGH = 3


class Word(StrEnum):
    """An enum that is text."""

    YES = "ja"


class Text(str):
    """Text of a class of its own."""

    __slots__ = ()


class Number(float):
    """A float of a class of its own."""


@dataclasses.dataclass
class Track:
    """A dataclass in a dataclass."""

    title: str
    parent: Track | None = None


@pytest.fixture(params=[True, False], ids=["orjson", "no orjson"])
def _writer(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if not request.param:
        monkeypatch.setattr(fast_json, "orjson", None)
    yield
    assert request.param or not is_orjson_enabled()


NATURAL = {
    "datetime": (datetime(2024, 2, 3, 4, 5, 6, 7, tzinfo=UTC), "2024-02-03T04:05:06.000007+00:00"),
    "naive datetime": (datetime(2024, 2, 3), "2024-02-03T00:00:00"),  # noqa: DTZ001  naive ones are written too
    "date": (date(2024, 2, 3), "2024-02-03"),
    "time": (time(4, 5), "04:05:00"),
    "uuid": (UUID(int=5), "00000000-0000-0000-0000-000000000005"),
    "enum": (Colour.RED, "red"),
    "int enum": (Level.HIGH, 3),
    "str enum": (Word.YES, "ja"),
    "dataclass": (Track("a", Track("b")), {"title": "a", "parent": {"title": "b", "parent": None}}),
    "named tuple": (Point(1, 2), [1, 2]),
    "text of a class": (Text("x"), "x"),
    "float of a class": (Number(1.5), 1.5),
    "default dict": (defaultdict(list, a=[1]), {"a": [1]}),
    "nan in a class": (Number("nan"), None),
}


@pytest.mark.usefixtures("_writer")
@pytest.mark.parametrize("kind", NATURAL)
def test_known_types_are_written_alike(kind: str) -> None:
    """Dates, enums, UUIDs, dataclasses and subclasses become the same JSON with and without orjson."""
    obj, wanted = NATURAL[kind]
    for escaped in (False, True):
        assert json.loads(json_dumps([obj], ensure_ascii=escaped)) == [wanted]


@pytest.mark.usefixtures("_writer")
def test_the_order_of_an_ordered_dict_is_kept() -> None:
    """A key that was moved to the end is written at the end."""
    ordered = OrderedDict(a=1, b=2)
    ordered.move_to_end("a")
    assert json_dumps(ordered) == '{"b":2,"a":1}'


@pytest.mark.usefixtures("_writer")
def test_output_is_compact_unless_asked() -> None:
    """There are no spaces by default, and the usual ones with an indent; `separators` decides otherwise."""
    assert json_dumps({"a": [1, 2]}) == '{"a":[1,2]}'
    assert json_dumps({"a": [1]}, indent=2) == '{\n  "a": [\n    1\n  ]\n}'
    assert json_dumps({"a": [1]}, indent=4) == '{\n    "a": [\n        1\n    ]\n}'
    assert json_dumps({"a": [1, 2]}, indent="\t") == '{\n\t"a": [\n\t\t1,\n\t\t2\n\t]\n}'
    assert json_dumps({"a": [1, 2]}, separators=(", ", ": ")) == '{"a": [1, 2]}'


@pytest.mark.usefixtures("_writer")
def test_allow_nan_decides_about_not_a_number() -> None:
    """Not-a-number is null unless `allow_nan` refuses it or lets it through."""
    assert json_dumps({"a": math.nan, "b": (math.inf, 1.0)}) == '{"a":null,"b":[null,1.0]}'
    assert json_dumps([math.nan, "\xe9"], ensure_ascii=True) == '[null,"\\u00e9"]'
    assert json_dumps([math.nan], allow_nan=True) == "[NaN]"
    with pytest.raises(ValueError, match=r"[Oo]ut of range|not JSON compliant"):
        json_dumps([math.nan], allow_nan=False)


@pytest.mark.usefixtures("_writer")
def test_not_a_number_out_of_a_default_is_null() -> None:
    """What `default` returns obeys the same rule."""
    assert json_dumps([{1}], default=lambda _: {"n": math.nan}) == '[{"n":null}]'


@pytest.mark.usefixtures("_writer")
def test_what_cannot_be_written_is_refused() -> None:
    """Unknown types are a TypeError that names them; circles and bottomless nesting are a ValueError."""
    with pytest.raises(TypeError, match="set cannot be written as JSON"):
        json_dumps({"a": {1}})
    with pytest.raises(TypeError, match="type cannot be written"):
        json_dumps([Track])
    circle: list[Any] = []
    circle.append(circle)
    for escaped in (False, True):
        with pytest.raises(ValueError, match=r"[Cc]ircular|contains itself"):
            json_dumps(["\xe9", circle], ensure_ascii=escaped)
    with pytest.raises(KeyError):
        json_dumps([object()], default=lambda _: NATURAL["missing"])


def test_bytes_are_utf_8() -> None:
    """`json_dumps_bytes` gives what `json_dumps` gives, in UTF-8, and ASCII on request."""
    obj = {"\xe9": ["\u0e01", "\ud800", "\U0001f600"]}
    assert json_dumps_bytes(obj).decode() == json_dumps(obj)
    assert json_dumps_bytes(obj, ensure_ascii=True).decode("ascii") == json_dumps(obj, ensure_ascii=True)
    assert json_dumps_bytes(["\xe9"], ensure_ascii=True) == b'["\\u00e9"]'
    assert json_dumps_bytes({"b": 1, "a": 2}, sort_keys=True) == b'{"a":2,"b":1}'


def test_the_escaping_encoder_can_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Python has no C encoder, ASCII is written all the same."""
    monkeypatch.setattr(json.encoder, "c_make_encoder", None)
    monkeypatch.setattr(fast_json, "_ascii_encode", fast_json._make_ascii_encode())
    assert json_dumps(["\xe9"], ensure_ascii=True) == '["\\u00e9"]'


@pytest.mark.usefixtures("_writer")
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("18446744073709551615", 2**64 - 1),
        ("-9223372036854775809", -(2**63) - 1),
        ('{"id": 1234567890123456789}', {"id": 1234567890123456789}),
        ('["12345678901234567890123", 0.12345678901234567890123]', ["12345678901234567890123", 0.12345678901234568]),
        ('"\\ud800"', "\ud800"),
        ('"\udcff"', "\udcff"),
        ("[1, 2.5e3, true, null]", [1, 2500.0, True, None]),
    ],
)
def test_reading_is_exact(text: str, value: object) -> None:
    """Integers of any size and lone surrogates are read as they stand, alike with and without orjson."""
    read = json_loads(text)
    assert (read, type(read)) == (value, type(value))


@pytest.mark.usefixtures("_writer")
@pytest.mark.parametrize(
    "data", [b'{"a":1}', bytearray(b'{"a":1}'), memoryview(b'{"a":1}'), '{"a":1}'.encode("utf-16")]
)
def test_every_kind_of_bytes_is_read(data: bytes | bytearray | memoryview) -> None:
    """Bytes, bytearrays and views are read, in UTF-8 or with a mark of another Unicode encoding."""
    assert json_loads(data) == {"a": 1}


@pytest.mark.usefixtures("_writer")
@pytest.mark.parametrize(
    "text", ["NaN", "[Infinity]", "-Infinity", "1e400", "[1,]", "", '"\n"', "{'a': 1}", "[" * 100_000]
)
def test_what_is_no_json_is_refused(text: str) -> None:
    """Everything that is no JSON is a ValueError, with and without orjson."""
    with pytest.raises(ValueError, match=r".+"):
        json_loads(text)


def test_reading_takes_the_arguments_of_json() -> None:
    """Arguments of `json.loads` are obeyed."""
    assert json_loads('{"a": 1.5}', parse_float=str) == {"a": "1.5"}
    assert json_loads('{"a": 1}', object_pairs_hook=list) == [("a", 1)]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@settings(max_examples=100, deadline=None)
@given(VALUES, st.booleans(), st.booleans(), st.sampled_from([None, 2, 3]))
def test_what_is_written_is_read_back(value: Any, escaped: bool, ordered: bool, indent: int | None) -> None:
    """Any value survives writing and reading, and the standard library reads the same from it."""
    text = json_dumps(value, ensure_ascii=escaped, sort_keys=ordered, indent=indent)
    assert json_loads(text) == value
    assert json.loads(text) == value
    assert text.isascii() or not escaped
