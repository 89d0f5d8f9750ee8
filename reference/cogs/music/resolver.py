"""From what somebody asks for to a track, and from a track to its sound."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord

from reference.utils.monitoring.performance_tracker import perf_tracker

from .errors import MusicError
from .library import OutsideFolderError, title_of
from .sound import NotSoundError, open_file, probe, workers
from .track import LONGEST_TITLE, Kind, Track

if TYPE_CHECKING:
    from pathlib import Path

    from reference.utils.media.ytdl_player import YTDLSource

    from .extractor import Extractor
    from .library import Library
    from .uploads import Uploads

__all__ = ["Resolver"]

OPEN_SECONDS = 15.0
LONGEST_QUERY = 500


class Resolver:
    """Finds and opens tracks.

    Args:
        library: the media folder.
        uploads: what was attached.
        extractor: what is on the web.
        searches_web: whether words that the media folder does not know are searched for on the web.
    """

    def __init__(self, library: Library, uploads: Uploads, extractor: Extractor, *, searches_web: bool) -> None:
        self.library = library
        self.uploads = uploads
        self._extractor = extractor
        self._searches_web = searches_web

    async def resolve(self, query: str, requester_id: int) -> Track:
        """Return the track that a URL, a path of the media folder, or words mean.

        Raises:
            MusicError: there is none.
        """
        query = query.strip()[:LONGEST_QUERY]
        if "://" in query:
            return await self._extractor.look_up(query, requester_id)
        locations = await workers.run(self._local, query, 1, deadline=OPEN_SECONDS)
        if locations:
            return await self._from_library(locations[0], requester_id)
        if not self._searches_web or not query:
            raise MusicError("music.not_found", query=query)
        return await self._extractor.look_up(query, requester_id)

    async def search(self, words: str, requester_id: int, limit: int = 10) -> list[Track]:
        """Return what words may mean: files of the media folder first, then what the web has.

        Raises:
            MusicError: the search is in trouble, and the media folder has nothing.
        """
        words = words.strip()[:LONGEST_QUERY]
        locations = await workers.run(self.library.find, words, limit, deadline=OPEN_SECONDS)
        found = [Track(Kind.LIBRARY, place, title_of(place)[:LONGEST_TITLE], requester_id) for place in locations]
        if self._searches_web and words and len(found) < limit:
            try:
                found += await self._extractor.search(words, requester_id, limit - len(found))
            except MusicError:
                if not found:
                    raise
        return found

    async def completed(self, track: Track) -> Track:
        """Return a track of a search with what a closer look tells.

        Raises:
            MusicError: it is not to be had.
        """
        if track.kind is Kind.LIBRARY:
            return await self._from_library(track.location, track.requester_id)
        return await self._extractor.look_up(track.location, track.requester_id)

    async def open(self, track: Track, start: float, volume: float) -> YTDLSource:
        """Open the sound of a track.

        Args:
            track: which.
            start: seconds to begin at.
            volume: 1.0 is as recorded.

        Raises:
            MusicError: it cannot be had.
        """
        if track.kind is Kind.WEB:
            return await self._extractor.open(track, start, volume)
        try:
            with perf_tracker.measure("music.open"):
                return await workers.run(self._open_file, track, start, volume, deadline=OPEN_SECONDS)
        except OutsideFolderError:
            raise MusicError("music.file_gone", title=track.title) from None
        except (discord.ClientException, OSError, RuntimeError) as error:
            raise MusicError("music.refused", reason=str(error)) from error

    def _open_file(self, track: Track, start: float, volume: float) -> YTDLSource:
        return open_file(self._path(track), start=start, volume=volume)

    def _path(self, track: Track) -> Path:
        folder: Library | Uploads = self.library if track.kind is Kind.LIBRARY else self.uploads
        return folder.path_of(track.location)

    def _local(self, query: str, limit: int) -> list[str]:
        try:
            self.library.path_of(query)
        except OutsideFolderError:
            return self.library.find(query, limit) if query else []
        return [query]

    async def _from_library(self, location: str, requester_id: int) -> Track:
        try:
            path = self.library.path_of(location)
            duration, title = await workers.run(probe, path, deadline=OPEN_SECONDS)
        except OutsideFolderError:
            raise MusicError("music.file_gone", title=title_of(location)) from None
        except (NotSoundError, OSError, RuntimeError):
            raise MusicError("music.no_sound", name=title_of(location)) from None
        return Track(Kind.LIBRARY, location, (title or title_of(location))[:LONGEST_TITLE], requester_id, duration)
