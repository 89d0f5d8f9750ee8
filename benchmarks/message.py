"""Looking a message up: a plain one, and one with a plural form and a number in it."""

from __future__ import annotations

import gettext
import io
import struct
from typing import TYPE_CHECKING

from benchmarks.contest import Bout, Contender, Contest, peer
from reference.utils.localization import get_message

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

ONE, MANY = "{count} song in the queue", "{count} songs in the queue"
PAUSED = "Paused."
HEADER = "Content-Type: text/plain; charset=UTF-8\nPlural-Forms: nplurals=2; plural=(n != 1);\n"
FTL = "queue = { $count ->\n    [one] { $count } song in the queue\n   *[other] { $count } songs in the queue\n}\n"
MAGIC = 0x950412DE


def _catalogue(messages: dict[str, str]) -> gettext.GNUTranslations:
    """Make a compiled catalogue of gettext, as `msgfmt` does."""
    pairs = sorted((key.encode(), text.encode()) for key, text in messages.items())
    table, blob = b"", b""
    start = 28 + 16 * len(pairs)
    for column in range(2):
        for pair in pairs:
            table += struct.pack("<II", len(pair[column]), start + len(blob))
            blob += pair[column] + b"\0"
    head = struct.pack("<7I", MAGIC, 0, len(pairs), 28, 28 + 8 * len(pairs), 0, 0)
    return gettext.GNUTranslations(io.BytesIO(head + table + blob))


def _bout(make: Callable[[], Callable[[int], str]], wanted: tuple[str, str]) -> Callable[[], Awaitable[Bout]]:
    """Make a contender of what gives a message for a number; it must know the form for one as well."""

    async def enter() -> Bout:
        message = make()

        async def prove() -> None:
            if message(1) != wanted[0]:
                raise ValueError(f"for one it says {message(1)!r}")

        return Bout(lambda: message(3), wanted[1], prove, awaits=False)

    return enter


def _plain(make: Callable[[], Callable[[int], str]]) -> Callable[[], Awaitable[Bout]]:
    return _bout(make, (PAUSED, PAUSED))


def _plural(make: Callable[[], Callable[[int], str]]) -> Callable[[], Awaitable[Bout]]:
    return _bout(make, ("1 song in the queue", "3 songs in the queue"))


def _gettext() -> Callable[[int], str]:
    find = _catalogue({"": HEADER, PAUSED: PAUSED}).gettext
    return lambda _: find(PAUSED)


def _ngettext() -> Callable[[int], str]:
    find = _catalogue({"": HEADER, f"{ONE}\0{MANY}": f"{ONE}\0{MANY}"}).ngettext
    return lambda count: find(ONE, MANY, count).format(count=count)


def _fluent() -> Callable[[int], str]:
    runtime = peer("fluent.runtime")
    bundle = runtime.FluentBundle(["en"], use_isolating=False)
    bundle.add_resource(runtime.FluentResource(FTL))
    pattern = bundle.get_message("queue").value

    def message(count: int) -> str:
        text: str = bundle.format_pattern(pattern, {"count": count})[0]
        return text

    return message


CONTESTS = [
    Contest(
        "message.plain",
        "A message without values",
        1.5,
        [
            Contender("gettext", _plain(_gettext)),
            Contender("get_message", _plain(lambda: lambda _: get_message("music.paused", "en")), is_ours=True),
        ],
    ),
    Contest(
        "message.plural",
        "A message with a plural form and a number",
        1.5,
        [
            Contender("ngettext and format", _plural(_ngettext)),
            Contender(
                "get_message",
                _plural(lambda: lambda count: get_message("music.queue_length", "en", count=count)),
                is_ours=True,
            ),
            Contender("fluent.runtime", _plural(_fluent), "fluent.runtime"),
        ],
    ),
]
