"""From an alert to a Discord message: one embed within Discord's limits, that mentions nobody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

__all__ = ["Fields", "clipped", "message_of"]

Fields = Mapping[str, object] | Sequence[Any] | None
"""Fields of an alert: a mapping, ``(name, value)`` pairs, or Discord's ``{"name", "value", "inline"}`` objects."""

COLOURS = {"info": 0x3498DB, "success": 0x2ECC71, "warning": 0xF1C40F, "error": 0xE74C3C, "critical": 0x992D22}
MARKS = {"info": "ℹ️", "success": "✅", "warning": "⚠️", "error": "❌", "critical": "🚨"}  # noqa: RUF001
TITLE, DESCRIPTION, FOOTER = 256, 4096, 2048
FIELD_NAME, FIELD_VALUE, MOST_FIELDS = 256, 1024, 25
TOTAL = 6000
"""Characters of one embed in all (Discord developer documentation, "Embed Limits")."""

EMPTY = "\N{ZERO WIDTH SPACE}"


def units(text: str) -> int:
    """Count a text in UTF-16 units, the largest of the ways in which its length may be counted."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def clipped(text: object, limit: int) -> str:
    """Return a text of at most ``limit`` units that can be sent: shortened with an ellipsis, no lone surrogates."""
    whole = str(text).encode("utf-8", "replace").decode("utf-8")
    if units(whole) <= limit:
        return whole
    cut = whole.encode("utf-16-le")[: 2 * max(limit - 1, 0)].decode("utf-16-le", "ignore")
    return f"{cut}…" if limit > 0 else ""


def message_of(title: str, description: str, alert_type: str, severity: str, fields: Fields) -> dict[str, Any]:
    """Return the body of the webhook call.

    Args:
        title: headline, plain text.
        description: what happened; Markdown is shown as such.
        alert_type: which kind of alert, shown in the footer.
        severity: info, success, warning, error or critical; anything else counts as warning.
        fields: further facts.
    """
    level = str(getattr(severity, "value", severity)).lower()
    level = level if level in COLOURS else "warning"
    embed = {
        "title": clipped(f"{MARKS[level]} {title}", TITLE),
        "description": clipped(description, DESCRIPTION),
        "color": COLOURS[level],
        "timestamp": datetime.now(UTC).isoformat(timespec="seconds"),
        "footer": {"text": clipped(f"{level} · {alert_type}", 256)},
    }
    room = TOTAL - units(embed["title"]) - units(embed["description"]) - units(embed["footer"]["text"])  # type: ignore[arg-type,index]
    return {"embeds": [{**embed, "fields": list(_fitting(_pairs(fields), room))}], "allowed_mentions": {"parse": []}}


def _pairs(fields: Fields) -> Iterable[tuple[object, object, bool]]:
    """Read fields of any of the accepted forms; what has another form is passed over."""
    if isinstance(fields, Mapping):
        fields = list(fields.items())
    for entry in fields or ():
        if isinstance(entry, Mapping):
            yield entry.get("name", ""), entry.get("value", ""), bool(entry.get("inline", True))
        elif isinstance(entry, tuple | list) and len(entry) >= 2:
            yield entry[0], entry[1], bool(entry[2]) if len(entry) > 2 else True


def _fitting(pairs: Iterable[tuple[object, object, bool]], room: int) -> Iterable[dict[str, Any]]:
    for count, (name, value, inline) in enumerate(pairs):
        field = {
            "name": clipped(name, FIELD_NAME).strip() or EMPTY,
            "value": clipped(value, FIELD_VALUE).strip() or EMPTY,
        }
        room -= sum(map(units, field.values()))
        if room < 0 or count == MOST_FIELDS:
            return
        yield {**field, "inline": inline}
