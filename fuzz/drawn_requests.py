"""Requests to the local Discord as Hypothesis draws them: every route, with ids that exist and bodies that nearly fit.

A request is a literal, so that a failure can be kept and run again: what exists is named by kind and number, `<role 2>`
for one, and looked up in the world when the request is sent.
"""

from __future__ import annotations

import base64
import inspect
import io
import re
from functools import cache
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st
from PIL import Image

import localdiscord.rest  # noqa: F401  enters the routes into the table
from fuzz.drawn_json import TEXTS, described, odd
from localdiscord.rest.forms.fields import Form
from localdiscord.rest.router import ROUTES, Route

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ALL", "PARAMETER", "request"]

PARAMETER = re.compile(r"\{(\w+)(?::[^}]*)?\}")
TABLE = {f"{entry.method} {entry.template}": entry for entry in ROUTES}
ALL = tuple(TABLE)
KINDS = {
    "answer_id": "answer",
    "application_id": "application",
    "channel_id": "channel",
    "code": "code",
    "command_id": "command",
    "emoji_id": "emoji",
    "emoji_name": "reaction",
    "guild_id": "guild",
    "guild_scheduled_event_id": "event",
    "interaction_id": "interaction",
    "message_id": "message",
    "overwrite_id": "overwrite",
    "role_id": "role",
    "rule_id": "rule",
    "sound_id": "sound",
    "sticker_id": "sticker",
    "user_id": "user",
    "webhook_id": "webhook",
    "webhook_token": "token",
}
"""What a parameter of a path names."""

LISTED = ("parent", "afk_channel", "system_channel", "rules_channel", "public_updates_channel", "safety_alerts_channel")
FIELDS = {
    **{f"{name}_id": "channel" for name in LISTED},
    **KINDS,
    "id": "role",
    "roles": "role",
    "exempt_roles": "role",
    "exempt_channels": "channel",
    "messages": "message",
    "users": "user",
    "user_ids": "user",
    "recipient_id": "user",
    "target_user_id": "user",
    "sticker_ids": "sticker",
    "entity_id": "role",
    "before": "message",
    "after": "message",
    "around": "message",
    "source_guild_id": "guild",
    "webhook_channel_id": "channel",
}
"""What a field of a body names."""


def named(kind: str) -> st.SearchStrategy[str]:
    """Return the name of something that exists, once it is looked up."""
    numbers = st.just(0) | st.integers(0, 2) | st.integers(0, 15)
    return numbers.map(lambda number: f"<{kind} {number}>")


def _uri(data: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def _picture(kind: str, size: tuple[int, int] = (2, 1)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, "red").save(file, kind)
    return file.getvalue()


PICTURES = [_picture("PNG"), _picture("GIF"), _picture("PNG")[:30], b""]
URIS = [_uri(_picture("PNG"), "image/png"), _uri(_picture("GIF"), "image/gif"), _uri(b"GIF89a", "image/gif"), "data:,"]
TIMES = [
    "2020-01-01T00:00:00Z",
    "2099-01-01T00:00:00+00:00",
    "9999-12-31T23:59:59-12:00",
    "0001-01-01T00:00:00",
    "soon",
]
BITS = st.sampled_from(["0", "8", "1024", "2147483648", str(2**60), str(2**70), "-1", 8, "x"])
HINTS: dict[str, st.SearchStrategy[Any]] = {
    **{name: named(kind) | st.sampled_from(["0", 1, None]) for name, kind in FIELDS.items()},
    **dict.fromkeys(("icon", "banner", "splash", "discovery_splash", "avatar", "image"), st.sampled_from(URIS)),
    "cover_image": st.sampled_from(URIS),
    "sound": st.sampled_from([_uri(b"OggS", "audio/ogg"), "data:audio/ogg;base64,", "x"]),
    **dict.fromkeys(
        (
            "communication_disabled_until",
            "scheduled_start_time",
            "scheduled_end_time",
            "timestamp",
            "archive_timestamp",
        ),
        st.sampled_from(TIMES),
    ),
    **dict.fromkeys(("invites_disabled_until", "dms_disabled_until"), st.sampled_from(TIMES)),
    **dict.fromkeys(("allow", "deny", "permissions", "default_member_permissions"), BITS),
    "url": st.sampled_from(["https://example.org/a", "attachment://a.txt", "http://[", "ftp://x"]),
    "type": st.integers(0, 18),
    "name": st.sampled_from(
        ["word", "another-word", "a", "x" * 101, "Two Words", "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35"]
    ),
    "parse": st.sampled_from(["users", "roles", "everyone"]),
    "regex_patterns": st.sampled_from(["a+", "(", "(a+)+$"]),
    "emoji_name": st.sampled_from(["\U0001f600", "word", "", None]),
    "default_auto_archive_duration": st.sampled_from([60, 1440, 4320, 10080, 61]),
    "auto_archive_duration": st.sampled_from([60, 1440, 4320, 10080, 61]),
    "limit": st.sampled_from([1, 2, 50, 100, 0, 1000, "x"]),
    "content": TEXTS | st.sampled_from(["@everyone <@1> <#2> <@&3>", "x" * 2001, "hello"]),
}


def _forms_of(function: Callable[..., Any], depth: int = 0) -> list[type[Form]]:
    """Return the forms that a handler reads, itself or in the functions of its package that it calls."""
    found: list[type[Form]] = []
    for name in function.__code__.co_names:
        used = getattr(function, "__globals__", {}).get(name)
        if isinstance(used, type) and issubclass(used, Form):
            found.append(used)
        elif inspect.isfunction(used) and used.__module__.startswith("localdiscord.rest") and depth < 2:
            found += _forms_of(used, depth + 1)
    return list(dict.fromkeys(found))


@cache
def _bodies(route: str) -> st.SearchStrategy[Any]:
    """Return the bodies of a route: what its forms describe, changed ones, lists of them, and any JSON."""
    forms = [described(form.model_json_schema(), HINTS) for form in _forms_of(TABLE[route].handler)]
    if not forms:
        return st.none() | odd
    fitting = st.one_of(forms)
    answers = st.fixed_dictionaries({"type": st.integers(0, 10), "data": fitting | odd})
    whole = answers if route.endswith("/callback") else fitting
    return st.one_of(whole, whole, whole, whole, st.lists(whole, max_size=3), odd)


STRAYS = st.sampled_from(
    ["0", "1", "@me", "abc", "9" * 30, "%00", "%2F", "%C2%B9", "-1", "a:1", "<user 0>", "<channel 1>"]
)


def _parameters(route: Route) -> st.SearchStrategy[dict[str, str]]:
    names = PARAMETER.findall(route.template)
    usual = {name: named(KINDS[name]) for name in names}
    return st.fixed_dictionaries({name: st.one_of(*[each] * 9, STRAYS) for name, each in usual.items()})


ASKED = (
    "limit before after around with_counts with_user_count query wait thread_id type with_localizations days offset "
    "include_roles include_pruned action_type user_id content author_id sort_by has with_member compute_prune_count"
)
VALUES = ["1", "true", "0", "", "-1", "x", "9" * 25, "<message 0>", "<user 0>", "<channel 8>", "<role 0>"]
QUERIES = st.one_of(
    *[st.just({})] * 4,
    st.dictionaries(st.sampled_from(ASKED.split()), st.sampled_from(VALUES), max_size=3),
)
FILES = st.dictionaries(
    st.sampled_from(["files[0]", "files[1]", "file", "files[99999]", "file[", "payload_json", "name", "tags"]),
    st.tuples(
        st.sampled_from(["a.txt", "\u0e2a.png", "a" * 300, "../a/b", 'a"b', "a"]), st.sampled_from([*PICTURES, b"text"])
    ),
    max_size=2,
)
AS_FORM = st.fixed_dictionaries(
    {"files": FILES},
    optional={
        "fields": st.dictionaries(st.sampled_from(["name", "tags", "content", "payload_json"]), TEXTS, max_size=2)
    },
)
TYPES = [
    "text/plain",
    "application/json; charset=utf-8",
    "",
    "multipart/form-data",
    "application/x-www-form-urlencoded",
]
AS_RAW = st.fixed_dictionaries(
    {
        "type": st.sampled_from([*TYPES, "application/json", "multipart/form-data; boundary=b", "\u00e9"]),
        "raw": st.sampled_from(
            [
                b"{",
                b"\xff",
                b"[" * 3000,
                b'{"content":1e999}',
                b'{"a":"\\ud800"}',
                b"--b\r\n\r\nx",
                b"--b--",
                b"payload_json={",
                b"",
            ]
        )
        | st.binary(max_size=20),
    }
)
HOW: st.SearchStrategy[dict[str, Any]] = st.one_of(*[st.just({})] * 14, AS_FORM, AS_FORM, AS_RAW)
HEADERS: st.SearchStrategy[dict[str, str]] = st.one_of(
    *[st.just({})] * 20,
    st.fixed_dictionaries(
        {},
        optional={
            "Authorization": st.sampled_from(["", "Bot", "Bot x", "Bearer y", "Bot \u00e9"]),
            "X-Audit-Log-Reason": st.sampled_from(["why", "%E0%B8", "%", "x" * 600, "%ed%a0%80"]),
        },
    ),
)


@st.composite
def request(draw: st.DrawFn, routes: tuple[str, ...] = ALL) -> dict[str, Any]:
    """Return a request: its route, parameters, query, headers, body, and how the body travels.

    Args:
        draw: draws.
        routes: those to draw from.
    """
    route = draw(st.sampled_from(routes))
    drawn = {
        "route": route,
        "path": draw(_parameters(TABLE[route])),
        "query": draw(QUERIES),
        "headers": draw(HEADERS),
        "body": draw(_bodies(route)) if not route.startswith("GET ") else None,
        **draw(HOW),
    }
    return {name: value for name, value in drawn.items() if value not in (None, {})}
