r"""JSON at the speed of orjson where it is installed, and with the same meaning where it is not.

What is written is always JSON (RFC 8259) that any parser reads and any stream can carry:

* `ensure_ascii` escapes everything outside ASCII, as pairs of `\uXXXX` beyond U+FFFF (audit finding F10);
* a lone surrogate, which UTF-8 cannot hold, is escaped even without `ensure_ascii`;
* NaN and the infinities become `null`, as ECMAScript's `JSON.stringify` has it, unless `allow_nan` is given:
  False refuses them, True writes the literals that only Python reads;
* dates, times, enums, UUIDs and dataclasses are written too, as ISO 8601, value, text and object.

The standard library defines the meaning. orjson is asked first where it can mean nothing else; what it refuses (keys
that are no text, integers above 64 bits, lone surrogates) the standard library then decides, so both agree. Only the
spelling of a float's exponent (`1e16`, `1e+16`) may differ.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import math
import re
from datetime import date, datetime, time
from enum import Enum
from json.encoder import encode_basestring_ascii
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

__all__ = ["is_orjson_enabled", "json_dumps", "json_dumps_bytes", "json_loads"]


def _import_orjson() -> ModuleType | None:
    try:
        return importlib.import_module("orjson")
    except ImportError:
        return None


orjson = _import_orjson()

_SURROGATE = re.compile("[\ud800-\udfff]")
_DIGITS_AS_ZERO = bytes(ord("0") if chr(byte) in "0123456789" else byte for byte in range(256))
_BEYOND_64_BITS = (b"0" * 20, b"-" + b"0" * 19)
"""What a number must look like, each digit taken as zero, for orjson to turn it into a float."""

_COMPACT = (",", ":")
_SPACED = (",", ": ")


def is_orjson_enabled() -> bool:
    """Tell whether orjson is installed and does the fast part of the work."""
    return orjson is not None


def json_dumps(obj: Any, *, ensure_ascii: bool = False, indent: int | str | None = None, **kwargs: Any) -> str:
    """Write an object as JSON.

    Args:
        obj: what to write.
        ensure_ascii: escape every character outside ASCII, so that the text survives any encoding (audit finding F10).
        indent: spaces per level, or the text to indent with; None for one line without spaces.
        **kwargs: as for `json.dumps`: `default`, `sort_keys`, `separators`, `allow_nan`, `skipkeys`, `cls`.
            `default` is asked about types that this module does not know.

    Raises:
        TypeError: a type or a key cannot be written.
        ValueError: the object contains itself, is nested too deeply, or holds NaN where `allow_nan` is False.
    """
    data = _quick(obj, indent, kwargs) if kwargs or indent is not None else _plain(obj)
    if data is None:
        return _standard(obj, ensure_ascii, indent, kwargs)
    if ensure_ascii and not data.isascii():
        return _escaped(obj, indent, kwargs)
    return data.decode()


def json_dumps_bytes(obj: Any, *, ensure_ascii: bool = False, indent: int | str | None = None, **kwargs: Any) -> bytes:
    """Write an object as JSON in UTF-8; arguments and errors are those of `json_dumps`."""
    data = _quick(obj, indent, kwargs) if kwargs or indent is not None else _plain(obj)
    if data is not None and (not ensure_ascii or data.isascii()):
        return data
    return json_dumps(obj, ensure_ascii=ensure_ascii, indent=indent, **kwargs).encode()


def json_loads(data: str | bytes | bytearray | memoryview, **kwargs: Any) -> Any:
    """Read JSON; integers of any size stay exact, and a lone surrogate may stand as an escape.

    Args:
        data: text, or bytes in UTF-8 (UTF-16 and UTF-32 are recognised).
        **kwargs: as for `json.loads`; with any of them the standard library does the work.

    Raises:
        ValueError: it is no JSON: NaN and Infinity are refused, so are numbers that no float can hold.
    """
    if orjson is not None and not kwargs:
        try:
            raw = data.encode() if isinstance(data, str) else bytes(data)
            shape = raw.translate(_DIGITS_AS_ZERO)
            if not any(large in shape for large in _BEYOND_64_BITS):
                return orjson.loads(raw)
        except ValueError:
            pass
    return _standard_loads(data, kwargs)


def _plain(obj: Any) -> bytes | None:
    """Do what `_quick` does where no argument was given, in the least time."""
    try:
        return orjson.dumps(obj, _natural, _OPTION)  # type: ignore[no-any-return, union-attr]
    except (TypeError, AttributeError):
        return None


def _quick(obj: Any, indent: int | str | None, kwargs: dict[str, Any]) -> bytes | None:
    """Let orjson write, if it is there and can do what is asked; None otherwise."""
    option = _option(indent, kwargs)
    if orjson is None or option is None:
        return None
    try:
        return orjson.dumps(obj, _default(kwargs.get("default")), option)  # type: ignore[no-any-return]
    except TypeError:
        return None


def _option(indent: int | str | None, kwargs: dict[str, Any]) -> int | None:
    """Translate arguments of `json.dumps` to an option of orjson; None where it has no such option."""
    if kwargs.keys() - {"default", "sort_keys"} or indent not in _INDENTS or isinstance(indent, bool):
        return None
    return _OPTION | _INDENTS[indent] | (_SORT_KEYS if kwargs.get("sort_keys") else 0)


def _natural(obj: Any) -> Any:
    """Turn an object of a type that JSON lacks into one that it has, alike for both writers.

    Raises:
        TypeError: the type is not known.
    """
    for kind, convert in _CONVERSIONS:
        if isinstance(obj, kind):
            return convert(obj)
    if dataclasses.is_dataclass(obj) and not isinstance(obj, type):
        return {field.name: getattr(obj, field.name) for field in dataclasses.fields(obj)}
    raise TypeError(f"{type(obj).__name__} cannot be written as JSON")


def _default(custom: Callable[[Any], Any] | None) -> Callable[[Any], Any]:
    """Return a hook that asks `custom` about what `_natural` does not know."""
    if custom is None:
        return _natural

    def hook(obj: Any) -> Any:
        try:
            return _natural(obj)
        except TypeError:
            return custom(obj)

    return hook


def _escaped(obj: Any, indent: int | str | None, kwargs: dict[str, Any]) -> str:
    """Write with everything outside ASCII escaped (audit finding F10); orjson has no such option."""
    if _ascii_encode is not None and indent is None and not kwargs:
        try:
            return "".join(_ascii_encode(obj, 0))
        except (ValueError, RecursionError):
            pass
    return _standard(obj, True, indent, kwargs)


def _standard(obj: Any, ensure_ascii: bool, indent: int | str | None, kwargs: dict[str, Any]) -> str:
    """Write with the standard library; what this gives is the meaning of `json_dumps`."""
    settings = {"separators": _COMPACT if indent is None else _SPACED, "allow_nan": False, **kwargs}
    settings.update(ensure_ascii=ensure_ascii, indent=indent, default=_default(kwargs.get("default")))
    try:
        text = _without_nan(obj, settings) if "allow_nan" not in kwargs else json.dumps(obj, **settings)
    except RecursionError:
        raise ValueError("the object contains itself, or is nested too deeply") from None
    if ensure_ascii or text.isascii():
        return text
    return _SURROGATE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _without_nan(obj: Any, settings: dict[str, Any]) -> str:
    try:
        return json.dumps(obj, **settings)
    except ValueError:
        default = settings["default"]
        return json.dumps(_finite(obj), **{**settings, "default": lambda other: _finite(default(other))})


def _finite(obj: Any) -> Any:
    """Copy an object with None in place of each float that JSON cannot express."""
    if isinstance(obj, float):
        return obj if math.isfinite(obj) else None
    if isinstance(obj, dict):
        return {key: _finite(value) for key, value in obj.items()}
    if isinstance(obj, list | tuple):
        return [_finite(value) for value in obj]
    return obj


def _standard_loads(data: str | bytes | bytearray | memoryview, kwargs: dict[str, Any]) -> Any:
    settings = {"parse_constant": _refuse, "parse_float": _parse_float, **kwargs}
    try:
        return json.loads(bytes(data) if isinstance(data, memoryview) else data, **settings)
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None


def _parse_float(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _refuse(text)


def _refuse(text: str) -> float:
    raise ValueError(f"{text[:40]} is no number of JSON, or no float can hold it")


_CONVERSIONS: tuple[tuple[type | tuple[type, ...], Callable[[Any], Any]], ...] = (
    (Enum, lambda obj: obj.value),
    ((datetime, date, time), lambda obj: obj.isoformat()),
    (dict, dict),
    (str, str.__str__),
    (int, int.__int__),
    (float, float.__float__),
    ((list, tuple), list),
    (UUID, str),
)
_PASSED_ON = ("OPT_PASSTHROUGH_DATACLASS", "OPT_PASSTHROUGH_DATETIME", "OPT_PASSTHROUGH_SUBCLASS")
_OPTION = sum(getattr(orjson, name, 0) for name in _PASSED_ON)
_SORT_KEYS = getattr(orjson, "OPT_SORT_KEYS", 0)
_INDENTS = {None: 0, 2: getattr(orjson, "OPT_INDENT_2", 0)}


def _make_ascii_encode() -> Callable[[Any, int], Any] | None:
    """Make the encoder of `json.dumps` once, which makes a new one at every call."""
    make = getattr(json.encoder, "c_make_encoder", None)
    arguments = (None, _natural, encode_basestring_ascii, None, ":", ",", False, False, False)
    return None if make is None else make(*arguments)


_ascii_encode = _make_ascii_encode()
