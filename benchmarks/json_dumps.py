"""JSON of 2 kB: written as text or bytes, and written so that it is ASCII."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from benchmarks.contest import Bout, Contender, Contest, peer
from reference.utils.fast_json import json_dumps, json_dumps_bytes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

MESSAGE = {"id": 1234567890123456789, "content": "play the next song, please", "pinned": False, "edited": None}
PLAIN = {"channel": 876543210987654321, "messages": [{**MESSAGE, "score": number + 0.5} for number in range(20)]}
THAI = {
    "channel": 876543210987654321,
    "messages": [{**MESSAGE, "content": f"เล่นเพลงถัดไป {number} \U0001f3b5"} for number in range(15)],
}


def _bout(
    make: Callable[[], Callable[[], str | bytes]], obj: object, *, ascii_only: bool
) -> Callable[[], Awaitable[Bout]]:
    """Make a contender of what writes `obj`; it must load back as the same, and be ASCII where that is asked."""

    async def enter() -> Bout:
        write = make()
        wanted = write()

        async def prove() -> None:
            if json.loads(wanted) != obj:
                raise ValueError("what was written loads back as something else")
            if ascii_only and not wanted.isascii():
                raise ValueError("what was written is not ASCII")

        return Bout(write, wanted, prove, awaits=False)

    return enter


def _plain(make: Callable[[], Callable[[], str | bytes]]) -> Callable[[], Awaitable[Bout]]:
    return _bout(make, PLAIN, ascii_only=False)


def _ascii(make: Callable[[], Callable[[], str | bytes]]) -> Callable[[], Awaitable[Bout]]:
    return _bout(make, THAI, ascii_only=True)


def _orjson() -> Callable[[], bytes]:
    dumps: Callable[[Any], bytes] = peer("orjson").dumps
    return lambda: dumps(PLAIN)


def _orjson_text() -> Callable[[], str]:
    dumps: Callable[[Any], bytes] = peer("orjson").dumps
    return lambda: dumps(PLAIN).decode()


def _msgspec() -> Callable[[], bytes]:
    encode: Callable[[Any], bytes] = peer("msgspec").json.encode
    return lambda: encode(PLAIN)


CONTESTS = [
    Contest(
        "json_dumps.bytes",
        "JSON of 2 kB as bytes",
        1.2,
        [
            Contender("orjson", _plain(_orjson), "orjson"),
            Contender("json_dumps_bytes", _plain(lambda: lambda: json_dumps_bytes(PLAIN)), is_ours=True),
            Contender("msgspec", _plain(_msgspec), "msgspec"),
        ],
    ),
    Contest(
        "json_dumps.text",
        "JSON of 2 kB as text",
        1.2,
        [
            Contender("orjson, decoded", _plain(_orjson_text), "orjson"),
            Contender("json_dumps", _plain(lambda: lambda: json_dumps(PLAIN)), is_ours=True),
            Contender("json", _plain(lambda: lambda: json.dumps(PLAIN))),
        ],
    ),
    Contest(
        "json_dumps.ascii",
        "JSON of Thai messages, as ASCII",
        1.0,
        [
            Contender("json", _ascii(lambda: lambda: json.dumps(THAI)), note="with spaces"),
            Contender("json_dumps", _ascii(lambda: lambda: json_dumps(THAI, ensure_ascii=True)), is_ours=True),
        ],
    ),
]
