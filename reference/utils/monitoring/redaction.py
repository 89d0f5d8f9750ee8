"""Secrets are taken out of what leaves the process: log lines, reports to Sentry, the audit log.

A secret is known by the name it goes under (``token``, ``api_key``, ``Authorization``...) or by its shape (a Discord
token, a webhook's address, ``Bearer ...``, a password in an address). Names are looked up once each.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

__all__ = ["REDACTED", "is_secret_name", "redact", "redact_text"]

REDACTED = "[redacted]"

SHORTEST = 12
"""Characters; a shorter text is no secret by its shape."""

DEEPEST = 12
"""Levels of nesting that are looked at; what lies deeper is taken out whole."""

_MOST_NAMES = 4096

_SECRET_NAME = re.compile(
    r"(?:^|[_.\-\s])(?:token|authorization|auth"
    r"|(?:secret|passw(?:or)?d|passphrase|pwd|cookie|dsn|credential"
    r"|api_?key|access_?key|private_?key|signing_?key|webhook_?url|session_?id)s?)(?:$|[_.\-\s])"
)
_COUNTED = re.compile(r"(?:^|_)tokens?_?(?:count|limit|used|usage|total|budget)$|^(?:max|num|total)_tokens?$")
_WORD_STARTS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

_SECRET_SHAPES = re.compile(
    r"(?P<keep>\b(?:bearer|(?:basic|bot)(?=\s+(?-i:[\w.~+/=-]*(?:\d|[a-z][A-Z]))))\s+)[\w.~+/=-]{12,}"
    r"|(?P<webhook>/api/(?:v\d+/)?webhooks/\d+/)[\w-]{20,}"
    r"|(?P<scheme>\b[a-z][a-z0-9+.-]{1,15}://[^/\s:@\"]{0,64}:)[^/\s@\"]{1,128}(?=@)"
    r"|(?P<name>(?:token|secret|password|passwd|api[_-]?key|access[_-]?key)[\"']?\s*[=:]\s*[\"']?)[^\s\"',;&]{4,}"
    r"|(?<![\w-])[\w-]{23,28}\.[\w-]{6,7}\.[\w-]{27,}"
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}"
    r"|\b(?:sk|pk|rk)-[\w-]{16,}"
    r"|\bgh[pousr]_[a-z0-9]{20,}"
    r"|\bxox[abprs]-[a-z0-9-]{10,}"
    r"|\bAKIA[0-9A-Z]{16}\b"
    r"|\bAIza[\w-]{30,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----(?:[^-]|-(?!----END))*(?:-----END [A-Z ]*PRIVATE KEY-----)?",
    re.IGNORECASE,
)

_MAY_HOLD_ONE = re.compile(r"[:=]|\S{12}|-{5}")
"""Matches wherever one of the shapes may; much quicker."""

_harmless: set[str] = set()
"""Short texts that were looked at and hold no secret: messages mostly are the same few."""

_MOST_HARMLESS = 4096
_LONGEST_REMEMBERED = 120

_known_names: dict[str, bool] = {}


def is_secret_name(name: str) -> bool:
    """Tell whether a name means a secret: ``api_key``, ``X-Auth-Token``, ``botToken``; not ``max_tokens``."""
    known = _known_names.get(name)
    return _judge_name(name) if known is None else known


def redact_text(text: str) -> str:
    """Return the text with what is shaped like a secret replaced by ``[redacted]``."""
    if len(text) < SHORTEST or text in _harmless:
        return text
    clean = _SECRET_SHAPES.sub(_without_secret, text) if _MAY_HOLD_ONE.search(text) else text
    if len(text) <= _LONGEST_REMEMBERED and clean == text:
        _remember(text)
    return clean


def redact(value: Any, name: str = "") -> Any:
    """Return a copy of plain data without secrets; objects of other types are returned as they are.

    Args:
        value: text, numbers, mappings, dataclasses, lists and tuples of them, in any nesting.
        name: what it goes under.
    """
    return _redact(value, name, DEEPEST)


def _redact(value: Any, name: str, levels: int) -> Any:  # noqa: PLR0911  a return for each kind of value
    if name and value is not None and not isinstance(value, bool) and is_secret_name(name):
        return REDACTED
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, bytes | bytearray):
        return redact_text(bytes(value).decode("utf-8", "backslashreplace"))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {field.name: getattr(value, field.name, None) for field in dataclasses.fields(value)}
    if not isinstance(value, Mapping | list | tuple | set | frozenset):
        return value
    if levels == 0:
        return REDACTED
    if isinstance(value, Mapping):
        return {_redact_key(key): _redact(item, str(key), levels - 1) for key, item in value.items()}
    return [_redact(item, "", levels - 1) for item in value]


def _remember(text: str) -> None:
    if len(_harmless) >= _MOST_HARMLESS:
        _harmless.clear()
    _harmless.add(text)


def _redact_key(key: Any) -> Any:
    return redact_text(key) if isinstance(key, str) else key


def _without_secret(match: re.Match[str]) -> str:
    kept = next((text for text in match.groups() if text), "")
    return kept + REDACTED


def _judge_name(name: str) -> bool:
    words = _WORD_STARTS.sub("_", name).lower()
    verdict = bool(_SECRET_NAME.search(words)) and not _COUNTED.search(words)
    if len(_known_names) < _MOST_NAMES:
        _known_names[name] = verdict
    return verdict
