"""Facts about the health server: routes, codes, admission, and clients that mean no good."""

from __future__ import annotations

import base64
import http.client
import json
import logging
import socket
import threading
from email.message import Message
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from harness.parts.bot import QuietBot
from reference.utils.monitoring import health_api, health_routes, health_server
from reference.utils.monitoring.health_access import Access, decide, token_matches
from reference.utils.monitoring.health_api import BotHealthData, HealthAPIServer, HealthRequestHandler, PortInUseError
from reference.utils.monitoring.health_server import BoundedServer, address_of
from reference.utils.monitoring.metrics import metrics

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = "naïve-токен"
DETAILS = ("/", "/health", "/health/json", "/health/deep", "/metrics", "/stats", "/ai/stats")


@pytest.fixture(autouse=True)
def _no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HEALTH_API_TOKEN", "HEALTH_API_HOST", "HEALTH_API_PORT"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def health() -> BotHealthData:
    """Health data of a bot that is well."""
    data = BotHealthData()
    data.update_from_bot(QuietBot(user="Tarn"))
    return data


@pytest.fixture
def server(health: BotHealthData) -> Iterator[HealthAPIServer]:
    """A running server."""
    server = HealthAPIServer("127.0.0.1", 0, health)
    server.start()
    yield server
    server.stop()


def ask(
    server: HealthAPIServer, path: str, method: str = "GET", headers: dict[str, str] | None = None
) -> tuple[http.client.HTTPResponse, bytes]:
    """Send one request."""
    connection = http.client.HTTPConnection(server.host, server.port, timeout=10)
    try:
        connection.request(method, path, headers=headers or {})
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


def status(server: HealthAPIServer, path: str, **headers: str) -> int:
    """Return the status of one GET."""
    return ask(server, path, headers={name.replace("_", "-"): value for name, value in headers.items()})[0].status


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", *DETAILS[1:]])
def test_every_route_answers(server: HealthAPIServer, path: str) -> None:
    """Each route of a healthy bot answers 200, is not cached and is not guessed at by a browser."""
    response, body = ask(server, path)
    assert (response.status, response.headers["Cache-Control"]) == (200, "no-store")
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert body


@pytest.mark.parametrize("path", ["/health/live", *DETAILS])
def test_head_says_the_same_without_a_body(server: HealthAPIServer, path: str) -> None:
    """HEAD gives the status and headers of GET, its length included for what does not change, and no body."""
    head, nothing = ask(server, path, "HEAD")
    get, _ = ask(server, path)
    assert (head.status, head.headers["Content-Type"], nothing) == (get.status, get.headers["Content-Type"], b"")
    assert int(head.headers["Content-Length"]) > 0


@pytest.mark.parametrize("ready", [True, False])
def test_text_json_and_code_agree(server: HealthAPIServer, health: BotHealthData, ready: bool) -> None:
    """Page, JSON, deep check, readiness and metrics say the same of the bot."""
    health.update_from_bot(QuietBot(ready=ready))
    word, code = ("healthy", 200) if ready else ("unhealthy", 503)
    page, html = ask(server, "/health", headers={"Accept": "text/html"})
    facts, body = ask(server, "/health/json")
    deep, deep_body = ask(server, "/health/deep")
    assert {page.status, facts.status, deep.status, status(server, "/health/ready")} == {code}
    assert json.loads(body)["status"] == json.loads(deep_body)["status"] == word
    assert f"<h2>{word}</h2>".encode() in html
    assert f'bot_health_status{{status="{word}"}} 1.0'.encode() in ask(server, "/metrics")[1]


def test_metrics_are_read_by_prometheus(server: HealthAPIServer, health: BotHealthData) -> None:
    """Prometheus' own parser reads the figures of the health data and of the bot's metrics, each family once."""
    health.service_health["db"] = "down"
    health.increment_errors(2)
    metrics.increment("messages", "command")
    families = list(text_string_to_metric_families(ask(server, "/metrics")[1].decode()))
    samples = {(s.name, *s.labels.values()): s.value for family in families for s in family.samples}
    assert len({family.name for family in families}) == len(families)
    assert samples["bot_health_errors_total",] == 2
    assert samples["bot_health_service_up", "db"] == 0
    assert samples["bot_messages_total", "command"] >= 1


def test_deep_check_names_what_fails(server: HealthAPIServer, health: BotHealthData) -> None:
    """The deep check has one entry for each thing, and a failing service makes it degraded."""
    health.service_health["db"] = "down"
    told = json.loads(ask(server, "/health/deep")[1])
    assert (told["status"], told["failed"]) == ("degraded", ["service:db"])
    assert set(told["checks"]) == {"event_loop", "gateway", "disk", "service:db"}


def test_a_full_disk_degrades(server: HealthAPIServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Little room on the disk is told by the deep check."""
    monkeypatch.setattr(health_routes, "LEAST_DISK", 2**80)
    told = json.loads(ask(server, "/health/deep")[1])
    assert (told["status"], told["failed"]) == ("degraded", ["disk"])


def test_json_is_given_to_who_asks_for_it(server: HealthAPIServer) -> None:
    """The pages are JSON for a client that names JSON and not HTML."""
    for path in ("/health", "/stats"):
        response, body = ask(server, path, headers={"Accept": "application/json"})
        assert response.headers["Content-Type"] == "application/json"
        assert isinstance(json.loads(body), dict)


def test_unknown_paths_and_methods(server: HealthAPIServer) -> None:
    """An unknown path is 404, the start leads to the dashboard, and any other method is 405 with what is allowed."""
    assert status(server, "/nowhere") == 404
    assert status(server, "/health/?x=1") == 200
    assert ask(server, "/")[0].headers["Location"] == "/health"
    for method in ("POST", "DELETE", "BREW"):
        response, _ = ask(server, "/health", method)
        assert (response.status, response.headers["Allow"]) == (405, "GET, HEAD")


def test_without_the_token_only_alive_and_ready_are_told(
    server: HealthAPIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a token set, strangers learn alive and ready, nothing else, not even which paths exist."""
    monkeypatch.setenv("HEALTH_API_TOKEN", TOKEN)
    for path in (*DETAILS, "/nowhere"):
        response, body = ask(server, path)
        assert (response.status, body) == (401, b"a token is needed\n")
        assert "Basic" in response.headers["WWW-Authenticate"]
    assert json.loads(ask(server, "/health/live")[1]) == {"alive": True}
    assert json.loads(ask(server, "/health/ready")[1]) == {"ready": True}


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        (b"Bearer " + TOKEN.encode(), 200),
        (b"bearer  " + TOKEN.encode(), 200),
        (b"Basic " + base64.b64encode(b"me:" + TOKEN.encode()), 200),
        (b"Bearer " + TOKEN.encode()[:-1], 401),
        (b"Bearer", 401),
        (b"Basic !!", 401),
        (b"Basic " + base64.b64encode(TOKEN.encode()), 401),
        (b"Digest " + TOKEN.encode(), 401),
        (b"\xff\xfe\x80", 401),
    ],
)
def test_tokens_of_any_alphabet(
    server: HealthAPIServer, monkeypatch: pytest.MonkeyPatch, authorization: bytes, code: int
) -> None:
    """The right token opens the figures, as bearer or as a browser's password; bytes of any kind are survived."""
    monkeypatch.setenv("HEALTH_API_TOKEN", f" {TOKEN} ")
    connection = http.client.HTTPConnection(server.host, server.port, timeout=10)
    connection.request("GET", "/health/json", headers={"Authorization": authorization})
    assert connection.getresponse().status == code
    connection.close()


def test_latin_1_spelling_is_right_too() -> None:
    """A token that Latin-1 can write is accepted in that spelling; an empty token never."""
    assert token_matches("café".encode("latin-1"), "café")
    assert token_matches("café".encode(), "café")
    assert not token_matches(b"", "")


@pytest.mark.parametrize(
    ("peer", "headers", "access"),
    [
        ("127.0.0.1", {"Host": "localhost:8080"}, Access.GRANTED),
        ("::1", {"Host": "[::1]:8080"}, Access.GRANTED),
        ("::ffff:127.0.0.1", {"Host": "127.0.0.1"}, Access.GRANTED),
        ("127.0.0.1", {}, Access.GRANTED),
        ("192.0.2.7", {"Host": "localhost"}, Access.FORBIDDEN),
        ("127.0.0.1", {"Host": "rebound.example:8080"}, Access.FORBIDDEN),
        ("127.0.0.1", {"Host": "localhost", "X-Forwarded-For": "192.0.2.7"}, Access.FORBIDDEN),
        ("nonsense", {"Host": "localhost"}, Access.FORBIDDEN),
    ],
)
def test_without_a_token_this_machine_alone_is_served(peer: str, headers: dict[str, str], access: Access) -> None:
    """Without a token the figures are for loopback, by a loopback name, and not through a proxy."""
    message = Message()
    for name, value in headers.items():
        message[name] = value
    assert decide(message, peer) is access


def test_a_rebound_name_is_refused(server: HealthAPIServer) -> None:
    """A web page whose name leads to 127.0.0.1 does not get the figures."""
    assert status(server, "/health/json", Host="rebound.example") == 403
    assert status(server, "/health/live", Host="rebound.example") == 200


def test_a_fault_is_a_plain_500(
    server: HealthAPIServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A page that cannot be made is 500 without the reason, which is in the log."""
    monkeypatch.setitem(health_routes.ROUTES, "/health", lambda _: 1 / 0)
    response, body = ask(server, "/health")
    assert (response.status, b"ZeroDivision" in body) == (500, False)
    assert "ZeroDivisionError" in caplog.text


def talk(server: HealthAPIServer, data: bytes) -> bytes:
    """Send bytes and return the whole answer."""
    with socket.create_connection((server.host, server.port), 10) as connection:
        connection.sendall(data)
        answer = b""
        while part := connection.recv(65536):
            answer += part
        return answer


@pytest.mark.parametrize(
    "garbage", [b"\x16\x03\x01\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET /" + b"a" * 70000, b"\r\n\r\n"]
)
def test_garbage_is_answered_plainly(server: HealthAPIServer, garbage: bytes) -> None:
    """What is no request gets a short answer or none, repeats nothing, and the next client is served."""
    answer = talk(server, garbage + b"\r\n\r\n")
    assert b"aaaa" not in answer
    assert status(server, "/health/live") == 200


@pytest.mark.parametrize("target", [b"http://[", b"//[::1"])
def test_a_target_that_is_no_url_is_the_clients_fault(
    server: HealthAPIServer, target: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """A request for what is no URL is refused, not taken for a fault of the server, and fills no log."""
    answer = talk(server, b"GET " + target + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert answer.split()[1] != b"500"
    assert "Traceback" not in caplog.text


@pytest.mark.wine_fault("socket.shutdown(SHUT_RDWR) does not wake another thread that waits in recv on the same socket")
def test_idle_clients_give_way(health: BotHealthData, monkeypatch: pytest.MonkeyPatch) -> None:
    """More idle clients than there are places keep nobody out."""
    server = HealthAPIServer("127.0.0.1", 0, health)
    server.start()
    idle = [socket.create_connection((server.host, server.port), 10) for _ in range(50)]
    try:
        assert status(server, "/health/live") == 200
        serving = [thread for thread in threading.enumerate() if thread.name == "health-request"]
        for given_way in serving[:-33]:  # the oldest; the last of them may still be ending
            given_way.join(10)
        assert sum(thread.is_alive() for thread in serving) <= 33
    finally:
        for connection in idle:
            connection.close()
        server.stop()


def test_a_slow_client_is_cut_in_time(health: BotHealthData) -> None:
    """A connection is over after its time, however often a byte of the request arrives."""
    server = BoundedServer("127.0.0.1", 0, HealthRequestHandler, longest=0.0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        with socket.create_connection(("127.0.0.1", server.server_port), 10) as connection:
            assert connection.recv(100) == b""
    finally:
        server.shutdown()
        server.close()
        thread.join(5)


def test_when_all_are_being_answered_another_is_turned_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """With every place taken by a request under way, a further client is told 503 at once."""
    entered, leave = threading.Event(), threading.Event()

    def slow(_request: Any) -> health_routes.Reply:
        entered.set()
        leave.wait(10)
        return health_routes.text_reply(200, "done")

    monkeypatch.setitem(health_routes.OPEN_ROUTES, "/health/live", slow)
    server = BoundedServer("127.0.0.1", 0, HealthRequestHandler, most=1)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        with socket.create_connection(("127.0.0.1", server.server_port), 10) as first:
            first.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
            assert entered.wait(10)
            with socket.create_connection(("127.0.0.1", server.server_port), 10) as second:
                assert second.recv(1000).startswith(b"HTTP/1.1 503")
            leave.set()
            assert first.recv(1000).startswith(b"HTTP/1.1 200")
    finally:
        leave.set()
        server.shutdown()
        server.close()
        thread.join(5)


@pytest.mark.wine_fault("socket.shutdown(SHUT_RDWR) does not wake another thread that waits in recv on the same socket")
def test_stop_ends_threads_and_frees_the_port(health: BotHealthData) -> None:
    """After stop the port is free and no thread is left, a client in the middle of its request included."""
    server = HealthAPIServer("127.0.0.1", 0, health)
    server.start()
    assert server.start() is True
    port = server.port
    with socket.create_connection(("127.0.0.1", port), 10) as half:
        half.sendall(b"GET /health HT")
        server.stop()
        server.stop()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("health-")]
    again = HealthAPIServer("127.0.0.1", port, health)
    again.start()
    assert status(again, "/health/live") == 200
    again.stop()


def test_a_server_may_be_started_again(health: BotHealthData) -> None:
    """A stopped server answers again after a start."""
    server = HealthAPIServer("127.0.0.1", 0, health)
    for _ in range(3):
        server.start()
        assert (server.is_running, status(server, "/health/live")) == (True, 200)
        server.stop()
        assert not server.is_running


def test_a_port_in_use_is_a_clear_error(server: HealthAPIServer) -> None:
    """A second server on the port says which port it is and what to do."""
    with pytest.raises(PortInUseError, match=f"port {server.port} on 127.0.0.1 is in use by another program"):
        HealthAPIServer("127.0.0.1", server.port).start()


def test_an_address_of_another_machine_is_a_clear_error() -> None:
    """A host that cannot be listened on is named."""
    with pytest.raises(OSError, match="cannot listen on 'no such host'"):
        HealthAPIServer("no such host", 0).start()
    with pytest.raises(OSError):  # noqa: PT011  the system's own words
        HealthAPIServer("192.0.2.1", 0).start()


def test_ipv6_addresses_are_understood() -> None:
    """IPv6 literals choose the family, with or without brackets, and the address for a browser has brackets."""
    assert address_of("[::1]", 0)[0] is socket.AF_INET6
    assert address_of("::", 0)[0] is socket.AF_INET6
    assert address_of("0.0.0.0", 0)[0] is socket.AF_INET
    assert HealthAPIServer("::1", 8080).url == "http://[::1]:8080"
    assert HealthAPIServer("0.0.0.0", 8080).url == "http://127.0.0.1:8080"


@pytest.mark.parametrize("host", ["::1", "::"])
def test_ipv6_is_served(health: BotHealthData, host: str) -> None:
    """A server on an IPv6 address answers there."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    server = HealthAPIServer(host, 0, health)
    server.start()
    try:
        connection = http.client.HTTPConnection("::1", server.port, timeout=10)
        connection.request("GET", "/health/json")
        assert connection.getresponse().status == 200
        connection.close()
    finally:
        server.stop()


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Host and port have variables; a port that is none is refused by name."""
    assert (HealthAPIServer().host, HealthAPIServer().port) == ("127.0.0.1", 8080)
    monkeypatch.setenv("HEALTH_API_HOST", "::1")
    monkeypatch.setenv("HEALTH_API_PORT", "9000")
    assert HealthAPIServer().url == "http://[::1]:9000"
    monkeypatch.setenv("HEALTH_API_PORT", "70000")
    with pytest.raises(ValueError, match="HEALTH_API_PORT"):
        HealthAPIServer()


def test_the_global_data_are_served_by_default() -> None:
    """A server without data of its own serves the process' health."""
    server = HealthAPIServer("127.0.0.1", 0)
    server.start()
    try:
        facts = json.loads(ask(server, "/health/json")[1])
        assert facts["status"] == health_api.health_data.to_dict()["status"]
    finally:
        server.stop()


def test_requests_are_logged_in_quotes(server: HealthAPIServer, caplog: pytest.LogCaptureFixture) -> None:
    """A request line cannot forge a line of the log."""
    caplog.set_level(logging.DEBUG, logger=health_api.__name__)
    talk(server, b"GET /\x1b[31mforged HTTP/1.1\r\n\r\n")
    assert not any("\x1b" in record.getMessage() for record in caplog.records)


def test_an_unexpected_fault_of_a_connection_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, health: BotHealthData
) -> None:
    """A handler that cannot even be made costs its connection, a line in the log, and nothing else."""
    server = HealthAPIServer("127.0.0.1", 0, health)
    server.start()
    with monkeypatch.context() as patched:
        patched.setattr(HealthRequestHandler, "setup", lambda _: 1 / 0)
        with socket.create_connection((server.host, server.port), 10) as connection:
            assert connection.recv(10) == b""
    assert status(server, "/health/live") == 200
    server.stop()
    assert "a health request failed" in caplog.text


def test_errors_of_the_accepting_side_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    """What the base class would print goes to the log."""
    caplog.set_level(logging.DEBUG, logger=health_server.__name__)
    server = BoundedServer("127.0.0.1", 0, HealthRequestHandler)
    server.handle_error(None, None)
    server.close()
    assert "a health connection failed" in caplog.text


def test_a_handler_has_no_other_names() -> None:
    """What is no method of HTTP is no attribute of a handler either."""
    with pytest.raises(AttributeError):
        _ = HealthRequestHandler.__new__(HealthRequestHandler).nonsense
