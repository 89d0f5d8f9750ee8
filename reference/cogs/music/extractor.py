"""yt-dlp behind a breaker for each host and a retry, so that a site in trouble costs nobody else their turn."""

from __future__ import annotations

import math
import socket
from typing import TYPE_CHECKING, Any, TypeVar

from yarl import URL

from reference.utils.media.workers import BusyError
from reference.utils.media.ytdl_player import YTDLError, YTDLSource, search_source
from reference.utils.media.ytdl_source import get_ytdl_fallback_opts, make_ytdl
from reference.utils.monitoring.performance_tracker import perf_tracker
from reference.utils.reliability.circuit_breaker import CircuitBreaker, CircuitBreakerOpenError
from reference.utils.reliability.error_recovery import RetryConfig, RetryDeadlineError, retry_async
from reference.utils.reliability.memory_manager import TTLCache

from .errors import MusicError
from .sound import workers
from .track import LONGEST_TITLE, Kind, Track

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

__all__ = ["Extractor", "OutageError"]

T = TypeVar("T")

SEARCH = "the search"
SEARCH_SECONDS = 45.0
MOST_HOSTS = 200
SERVER_ERROR = 500
TOO_MANY = 429


class OutageError(YTDLError):
    """A site cannot be reached or is in trouble: that is no fault of the track, and it counts for the breaker."""


RETRY = RetryConfig(max_retries=1, base_delay=0.5, deadline=60.0, retryable_exceptions=(OutageError,))


class Extractor:
    """Looks up, searches and opens what is on the web.

    Args:
        retry: how a site in trouble is asked again.
        watch: is given the breaker of the search, for the health page; those of single sites come and go.
    """

    def __init__(self, retry: RetryConfig = RETRY, *, watch: Callable[[CircuitBreaker], object] | None = None) -> None:
        self._retry = retry
        self._breakers: TTLCache[str, CircuitBreaker] = TTLCache(max_size=MOST_HOSTS, ttl=math.inf)
        if watch is not None:
            watch(self.breaker(SEARCH))

    def breaker(self, host: str) -> CircuitBreaker:
        """Return the breaker of a host, which opens after three failures in a row."""
        known = self._breakers.get(host)
        if known is None:
            known = CircuitBreaker(f"music from {host}", failure_threshold=3, failures=(OutageError,))
            self._breakers.set(host, known)
        return known

    async def look_up(self, query: str, requester_id: int) -> Track:
        """Find out about a URL, or about the first result for words.

        Raises:
            MusicError: there is none, it is refused, or its site is in trouble.
        """
        info = await self._guarded("look_up", query, lambda: search_source(query))
        return track_of(info, query, requester_id)

    async def search(self, words: str, requester_id: int, limit: int) -> list[Track]:
        """Search the web for words.

        Raises:
            MusicError: the search is in trouble.
        """
        results = await self._guarded("search", words, lambda: _results(words, limit))
        return [track_of(info, str(info.get("url") or ""), requester_id) for info in results]

    async def open(self, track: Track, start: float, volume: float) -> YTDLSource:
        """Open the sound of a track at a position.

        Args:
            track: of the web.
            start: seconds to begin at.
            volume: 1.0 is as recorded.

        Raises:
            MusicError: it cannot be had.
        """
        place = track.location
        make = lambda: YTDLSource.from_url(place, stream=True, start_time=start, volume=volume)  # noqa: E731  a thunk
        return await self._guarded("open", place, make)

    async def _guarded(self, what: str, query: str, call: Callable[[], Awaitable[T]]) -> T:
        host = _host(query)
        try:
            with perf_tracker.measure(f"music.{what}"):
                return await retry_async(
                    _judged,
                    call,
                    config=self._retry,
                    service_name=f"music from {host}",
                    circuit_breaker=self.breaker(host),
                )
        except (CircuitBreakerOpenError, RetryDeadlineError, YTDLError) as error:
            raise _told(error, host, query) from error


def _told(error: Exception, host: str, query: str) -> MusicError:
    """Return what people are told when a call was given up."""
    is_away = isinstance(error, OutageError) or not isinstance(error, YTDLError)
    if host == SEARCH and is_away:
        return MusicError("music.search_away", query=query)
    if isinstance(error, CircuitBreakerOpenError):
        return MusicError("music.site_down", site=host, count=math.ceil(error.retry_after))
    if isinstance(error, RetryDeadlineError):
        return MusicError("music.site_silent", site=host)
    return MusicError("music.refused", reason=str(error))


async def _judged(call: Callable[[], Awaitable[T]]) -> T:
    """Make a call; tell an outage of a site from a track that cannot be had."""
    try:
        return await call()
    except YTDLError as error:
        if any(_is_outage(cause) for cause in _causes(error)) and not any(map(_is_refusal, _causes(error))):
            raise OutageError(str(error)) from error
        raise


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and all behind it, those included that yt-dlp and urllib keep in attributes."""
    waiting: list[Any] = [error]
    seen: set[int] = set()
    while waiting:
        cause = waiting.pop()
        if not isinstance(cause, BaseException) or id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        kept = getattr(cause, "exc_info", None) or ()
        waiting += [
            cause.__cause__,
            cause.__context__,
            getattr(cause, "cause", None),
            getattr(cause, "reason", None),
            *kept,
        ]


def _is_outage(error: BaseException) -> bool:
    status = getattr(error, "status", None)
    if isinstance(status, int):
        return status >= SERVER_ERROR or status == TOO_MANY
    return isinstance(error, TimeoutError | ConnectionError | socket.gaierror | BusyError)


def _is_refusal(error: BaseException) -> bool:
    return isinstance(error, PermissionError)


def _host(query: str) -> str:
    try:
        return (URL(query).host or SEARCH).lower() if "://" in query else SEARCH
    except ValueError:
        return SEARCH


async def _results(words: str, limit: int) -> list[dict[str, Any]]:
    def find() -> list[dict[str, Any]]:
        options = {"playlist_items": f"1-{limit}", "extract_flat": "in_playlist"}
        found = make_ytdl({**get_ytdl_fallback_opts(), **options}).extract_info(
            f"ytsearch{limit}:{words}", download=False
        )
        return [entry for entry in (found or {}).get("entries") or () if entry]

    from yt_dlp.utils import YoutubeDLError  # type: ignore[import-untyped]  # noqa: PLC0415  imports yt-dlp

    try:
        return await workers.run(find, deadline=SEARCH_SECONDS)
    except (YoutubeDLError, TimeoutError, BusyError) as error:
        raise YTDLError(f"the search failed: {str(error).removeprefix('ERROR: ') or 'it took too long'}") from error


def track_of(info: dict[str, Any], query: str, requester_id: int) -> Track:
    """Make a track of what yt-dlp found out."""
    page = info.get("webpage_url") or info.get("original_url")
    duration = info.get("duration")
    return Track(
        Kind.WEB,
        str(page or query),
        str(info.get("title") or query)[:LONGEST_TITLE],
        requester_id,
        float(duration) if isinstance(duration, int | float) else None,
        str(page) if page else None,
    )
