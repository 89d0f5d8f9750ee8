"""Rate limits as Discord's API has them: a bucket for each route and place, and 50 requests a second over all."""

from __future__ import annotations

import hashlib
import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["RULES", "Limits", "Rule", "Verdict", "refusal"]

VIA = "1.1 google"
"""What Discord's proxy adds; clients take a 429 without it for a ban by Cloudflare."""

EXEMPT_FROM_GLOBAL = ("/interactions/", "/webhooks/")
PLACES = ("channel_id", "guild_id", "webhook_id", "webhook_token")
"""The parameters of a route that have buckets of their own."""

CONCURRENCY_WINDOW = 5.0
"""Seconds in which one session may begin for each remainder of the shard's number."""


class Rule(NamedTuple):
    """How many requests in how many seconds; routes of one family have their bucket in common."""

    most: int
    seconds: float
    family: str = ""


EVERYTHING_ELSE = Rule(50, 10.0)
GLOBAL = Rule(50, 1.0)
STARTS = Rule(1000, 24 * 60 * 60.0)
"""How many sessions a bot may begin in a day."""

CONCURRENCY = 16
"""How many shards may begin at once."""

REACTIONS = Rule(1, 0.25, "reactions")

RULES: dict[tuple[str, str], Rule | None] = {
    ("GET", "/gateway/bot"): Rule(2, 5.0),
    ("POST", "/channels/{channel_id}/messages"): Rule(5, 5.0),
    ("PATCH", "/channels/{channel_id}/messages/{message_id}"): Rule(5, 5.0),
    ("DELETE", "/channels/{channel_id}/messages/{message_id}"): Rule(5, 1.0),
    ("POST", "/channels/{channel_id}/messages/bulk-delete"): Rule(1, 1.0),
    ("POST", "/channels/{channel_id}/typing"): Rule(5, 5.0),
    ("PUT", "/channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}/@me"): REACTIONS,
    ("DELETE", "/channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}/@me"): REACTIONS,
    ("DELETE", "/channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}/{user_id}"): REACTIONS,
    ("POST", "/webhooks/{webhook_id}/{webhook_token}"): Rule(5, 2.0),
    ("PATCH", "/guilds/{guild_id}/members/{user_id}"): Rule(10, 10.0),
    ("POST", "/interactions/{interaction_id}/{webhook_token}/callback"): None,
}
"""What is known of Discord's limits, by method and route; None for no limit."""


@dataclass(frozen=True)
class Verdict:
    """Whether a request may pass, and what its answer says of the bucket.

    Attributes:
        retry_after: seconds until the next request may pass; 0 where this one may.
        scope: whose limit it is: `user`, `shared` or `global`.
        headers: what every answer of a limited route says.
    """

    retry_after: float = 0.0
    scope: str = "user"
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def passes(self) -> bool:
        """Whether the request may pass."""
        return self.retry_after <= 0


@dataclass
class _Window:
    """Requests that are left until a moment."""

    left: int
    until: float


class Limits:
    """The buckets of all bots.

    Args:
        scale: how many times quicker than Discord's clock theirs goes: 1 is as strict as Discord; None is no limits.
        clock: tells seconds.

    Attributes:
        hits: how many requests were refused.
    """

    def __init__(self, scale: float | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.scale = scale or 1.0
        self.is_on = scale is not None
        self.hits = 0
        self._clock = clock
        self._windows: dict[tuple[str, ...], _Window] = {}
        self._identified: dict[tuple[int, int], float] = {}

    def judge(self, who: str, method: str, template: str, path: Mapping[str, str]) -> Verdict:
        """Count a request, and tell whether it may pass.

        Args:
            who: the bot, or whoever asks.
            method: the HTTP method.
            template: the route, parameters in braces.
            path: the parameters.
        """
        rule = RULES.get((method, template), EVERYTHING_ELSE)
        if rule is None or not self.is_on:
            return Verdict()
        if not template.startswith(EXEMPT_FROM_GLOBAL):
            window = self._take((who, "*"), GLOBAL)
            if window.left < 0:
                return self._refused(window, "global", {"X-RateLimit-Global": "true"})
        route = rule.family or f"{method} {template}"
        name = hashlib.md5(route.encode(), usedforsecurity=False).hexdigest()
        window = self._take((who, name, *(path.get(place, "") for place in PLACES)), rule)
        rest = max(window.until - self._clock(), 0.0)
        headers = {
            "X-RateLimit-Limit": str(rule.most),
            "X-RateLimit-Remaining": str(max(window.left, 0)),
            "X-RateLimit-Reset": f"{time.time() + rest:.3f}",
            "X-RateLimit-Reset-After": f"{rest:.3f}",
            "X-RateLimit-Bucket": name,
            "Via": VIA,
        }
        return self._refused(window, "user", headers) if window.left < 0 else Verdict(headers=headers)

    def _take(self, key: tuple[str, ...], rule: Rule) -> _Window:
        now = self._clock()
        window = self._windows.get(key)
        if window is None or window.until <= now:
            if len(self._windows) > 10_000:
                self._windows = {each: old for each, old in self._windows.items() if old.until > now}
            window = self._windows[key] = _Window(rule.most, now + rule.seconds / self.scale)
        window.left -= 1
        return window

    def _refused(self, window: _Window, scope: str, headers: dict[str, str]) -> Verdict:
        self.hits += 1
        return Verdict(max(window.until - self._clock(), 0.001), scope, headers)

    def may_identify(self, application_id: int, shard: int) -> bool:
        """Count the beginning of a session, and tell whether it may.

        Args:
            application_id: whose bot.
            shard: the number of the shard.
        """
        key, now = (application_id, shard % CONCURRENCY), self._clock()
        is_early = now - self._identified.get(key, -math.inf) < CONCURRENCY_WINDOW / self.scale
        if self.is_on and (is_early or self._take(("starts", str(application_id)), STARTS).left < 0):
            return False
        self._identified[key] = now
        return True

    def starts(self, application_id: int) -> dict[str, int]:
        """Return how many sessions a bot may still begin, and when it may begin all again, as Discord writes it."""
        window, now = self._windows.get(("starts", str(application_id))), self._clock()
        if window is None or window.until <= now:
            window = _Window(STARTS.most, now + STARTS.seconds)
        rest = round((window.until - now) * 1000)
        left = max(window.left, 0)
        return {"total": STARTS.most, "remaining": left, "reset_after": rest, "max_concurrency": CONCURRENCY}


def refusal(verdict: Verdict) -> web.Response:
    """Return the answer to a request that may not pass: 429, as Discord writes it."""
    body: dict[str, Any] = {
        "message": "You are being rate limited.",
        "retry_after": round(verdict.retry_after, 3),
        "global": verdict.scope == "global",
    }
    headers = {"Retry-After": str(math.ceil(verdict.retry_after)), "X-RateLimit-Scope": verdict.scope, "Via": VIA}
    return web.json_response(body, status=429, headers={**verdict.headers, **headers})
