"""Media read over our own connection: the facts about lost connections."""

from __future__ import annotations

import io
from typing import Any

import pytest

from reference.utils.media.media_stream import MediaStream

MEDIA = bytes(range(256)) * 4


class Response:
    """A response of a server that has `MEDIA`, from a position on, and may break off."""

    def __init__(self, start: int, *, length: bool = True, breaks: int = 0, status: int = 206) -> None:
        """Answer from `start` on; raise an error after `breaks` bytes, if any."""
        self.headers = {"Content-Length": str(len(MEDIA) - start)} if length else {}
        self.status = status
        self.is_closed = False
        self._body = io.BytesIO(MEDIA[start:])
        self._breaks = breaks

    def read(self, size: int = -1) -> bytes:
        """Read on, or break."""
        if self._breaks and self._body.tell() >= self._breaks:
            raise ConnectionResetError("connection lost")
        return self._body.read(min(size, self._breaks or size) if size >= 0 else -1)

    def close(self) -> None:
        """Take note."""
        self.is_closed = True


class Server:
    """Gives the responses of a script, one for each connection."""

    def __init__(self, **first: Any) -> None:
        """Begin with a response that has these properties."""
        self.script: list[dict[str, Any] | Exception] = [first]
        self.asked: list[int] = []
        self.responses: list[Response] = []

    def __call__(self, position: int) -> Response:
        """Answer from a position on."""
        self.asked.append(position)
        properties = self.script.pop(0) if self.script else {}
        if isinstance(properties, Exception):
            raise properties
        self.responses.append(Response(position, **properties))
        return self.responses[-1]


def everything(stream: MediaStream) -> bytes:
    """Read to the end, in small pieces."""
    return b"".join(iter(lambda: stream.read(100), b""))


def test_media_are_read_to_the_end() -> None:
    """Without any trouble there is one connection, and all is read."""
    server = Server()
    stream = MediaStream(server)
    assert everything(stream) == MEDIA
    assert server.asked == [0]
    assert MediaStream(Server()).read() == MEDIA


def test_a_lost_connection_is_taken_up_where_it_broke() -> None:
    """After each break the rest is asked for, and nothing is missing or doubled."""
    server = Server(breaks=100)
    server.script += [{"breaks": 300}, OSError("no route"), {"breaks": 50}]
    stream = MediaStream(server)
    assert everything(stream) == MEDIA
    assert server.asked == [0, 100, 400, 400, 450]
    assert [response.is_closed for response in server.responses] == [True, True, True, False]


def test_a_server_that_begins_anew_ends_the_stream() -> None:
    """An answer that is not the rest asked for is not joined on."""
    server = Server(breaks=100)
    server.script += [{"status": 200}]
    assert everything(MediaStream(server)) == MEDIA[:100]


def test_a_server_that_stays_away_ends_the_stream() -> None:
    """After some attempts in a row that bring nothing, the stream ends."""
    server = Server(breaks=100)
    server.script += [OSError("no route")] * 9
    assert everything(MediaStream(server, attempts=3)) == MEDIA[:100]
    assert server.asked == [0, 100, 100, 100]


def test_an_end_that_was_not_announced_is_believed() -> None:
    """Without a length, the end of the connection is the end of the media."""
    server = Server(length=False)
    assert everything(MediaStream(server)) == MEDIA
    assert server.asked == [0]


def test_a_closed_stream_is_at_its_end() -> None:
    """Closing gives the connection back, and nothing more is read."""
    server = Server()
    stream = MediaStream(server)
    stream.close()
    assert stream.read(10) == b""
    assert server.responses[0].is_closed


def test_media_that_cannot_be_had_raise() -> None:
    """A first request that fails is an error, not an empty stream."""
    server = Server()
    server.script = [OSError("no route")]
    with pytest.raises(OSError, match="no route"):
        MediaStream(server)
