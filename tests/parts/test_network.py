"""The network under the test's control, and the web server in it."""

from __future__ import annotations

import http.client
import socket

import pytest

from harness.parts.network import Network
from harness.parts.webserver import Reply, Request, WebServer


def hello(request: Request) -> Reply:
    """Greet, by host and path."""
    return Reply(f"{request.host} {request.path} {request.body.decode()}".encode())


def test_names_answer_in_turn_and_the_last_answer_stays() -> None:
    """Each look-up takes the next answer, by whatever function it is made."""
    with Network() as network:
        network.name("a.example", "192.0.2.1", ["192.0.2.2", "2001:db8::2"])
        assert socket.gethostbyname("A.example.") == "192.0.2.1"
        assert {info[4][0] for info in socket.getaddrinfo(b"a.example", 80)} == {"192.0.2.2", "2001:db8::2"}
        assert socket.gethostbyname_ex("a.example") == ("a.example", [], ["192.0.2.2"])
        assert {info[4][0] for info in socket.getaddrinfo("a.example", 80, socket.AF_INET6)} == {"2001:db8::2"}
        assert network.lookups == ["a.example"] * 4


def test_unknown_names_and_literals_ask_nobody_outside() -> None:
    """A name without a script is unknown; a literal address is itself in every spelling; loopback keeps its name."""
    with Network() as network:
        with pytest.raises(socket.gaierror):
            socket.getaddrinfo("www.example.com", 80)
        assert socket.getaddrinfo("192.0.2.7", 80)[0][4] == ("192.0.2.7", 80)
        assert socket.getaddrinfo("localhost", 80)
        assert network.lookups == ["www.example.com"]


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1"])
def test_a_route_leads_to_the_server_and_hides_it(address: str) -> None:
    """A client reaches the server through the address, and believes that it is there."""
    with WebServer(hello) as server, Network() as network:
        network.name("a.example", address)
        network.route(address, 80, to=server.port)
        client = http.client.HTTPConnection("a.example", timeout=5)
        client.request("POST", "/x?y", body="body")
        assert client.sock.getpeername()[:2] == (address, 80)
        assert client.getresponse().read() == b"a.example /x?y body"
        client.close()
        assert network.reached(address)
        assert not network.reached("192.0.2.2")
        assert server.wait_until(lambda: not server.connected)
    assert server.paths() == {"/x?y"}


def test_the_rest_of_the_addresses_may_lead_to_one_server() -> None:
    """An address without a route of its own arrives where the rest does, but for one that is to refuse."""
    with WebServer(hello) as server, WebServer(lambda _: Reply(b"own")) as own, Network() as network:
        network.route_the_rest(80, to=server.port)
        network.route("192.0.2.3", 80, to=own.port)
        network.refuse("192.0.2.9", 80)
        for address, said in (("192.0.2.3", b"own"), ("198.51.100.4", b"198.51.100.4 / ")):
            client = http.client.HTTPConnection(address, timeout=5)
            client.request("GET", "/")
            assert client.getresponse().read() == said
            client.close()
        for place in (("192.0.2.9", 80), ("198.51.100.4", 81)):
            with socket.socket() as sock, pytest.raises(ConnectionRefusedError):
                sock.connect(place)


def test_addresses_without_a_route_refuse() -> None:
    """Nothing but loopback is connected to, and what was tried is on record."""
    with Network() as network, socket.socket() as sock:
        with pytest.raises(ConnectionRefusedError):
            sock.connect(("192.0.2.9", 80))
        assert network.connections == [("192.0.2.9", 80)]


def test_loopback_and_other_kinds_of_sockets_are_left_alone() -> None:
    """A connection to loopback arrives where it is meant to, and a datagram socket is not the network's business."""
    with WebServer(hello) as server, Network() as network:
        with socket.create_connection(("127.0.0.1", server.port), timeout=5) as sock:
            assert sock.getpeername() == ("127.0.0.1", server.port)
        with socket.socket(type=socket.SOCK_DGRAM) as datagrams:
            datagrams.connect(("127.0.0.1", 9))
        assert network.connections == [("127.0.0.1", server.port)]


def test_everything_is_as_it_was_afterwards() -> None:
    """The replacements end with the block, also when it fails."""
    before = socket.getaddrinfo, socket.socket.connect, socket.socket.getpeername
    network = Network()
    with pytest.raises(ZeroDivisionError), network:
        network.name("a.example", str(1 // 0))
    assert (socket.getaddrinfo, socket.socket.connect, socket.socket.getpeername) == before


@pytest.mark.parametrize("reply", [Reply(silent=True), Reply(bytes(8_000_000))], ids=["silent", "unread"])
def test_a_connection_is_held_until_its_answer_is_taken_or_given_up(reply: Reply) -> None:
    """A client that waits, or does not read, holds its connection; one that leaves does not."""
    with WebServer(lambda _: reply) as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=5) as sock:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert server.wait_until(lambda: server.requests)
            assert (server.held, server.connected) == (1, 1)
            assert not server.wait_until(lambda: not server.held, patience=0.05)
        assert server.wait_until(lambda: not server.held)


def test_a_reply_can_be_cut_short() -> None:
    """The client is promised the whole body and gets a half."""
    with WebServer(lambda _: Reply(b"12345678", cut=True)) as server:
        client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
        client.request("GET", "/")
        with pytest.raises(http.client.IncompleteRead) as caught:
            client.getresponse().read()
        client.close()
    assert caught.value.partial == b"1234"


@pytest.mark.parametrize(
    "wish", ["HTTP/1.0\r\n", "HTTP/1.1\r\nConnection: close\r\n"], ids=["version-1.0", "connection-close"]
)
def test_a_client_that_wants_one_answer_reads_to_the_end(wish: str) -> None:
    """Clients that do not count the bytes of a body are told its end by the end of the connection."""
    with (
        WebServer(lambda _: Reply(b"12345678")) as server,
        socket.create_connection(("127.0.0.1", server.port), timeout=5) as sock,
    ):
        sock.sendall(f"GET / {wish}Host: a\r\n\r\n".encode())
        answer = b"".join(iter(lambda: sock.recv(1024), b""))
    assert answer.endswith(b"12345678")


def test_a_server_can_hang_up() -> None:
    """Every connection is lost at once, and the next request is answered all the same."""
    replies = iter([Reply(silent=True), Reply(b"again")])
    with WebServer(lambda _: next(replies)) as server:
        client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
        client.request("GET", "/")
        assert server.wait_until(lambda: server.held)
        server.hang_up()
        with pytest.raises(ConnectionError):
            client.getresponse()
        client.close()
        client.request("GET", "/")
        assert client.getresponse().read() == b"again"
        client.close()
