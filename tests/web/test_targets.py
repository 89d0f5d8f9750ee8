"""Which URLs are fetched at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from harness.parts.network import Network
from reference.utils.web.errors import BlockedError
from reference.utils.web.targets import leads_to_private, target


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("http://example.com", "http://example.com/"),
        ("HTTPS://Example.COM:443/A?b=c#d", "https://example.com:443/A?b=c"),
        ("http://example.com:8080/x", "http://example.com:8080/x"),
        ("http://b\u00fccher.example/", "http://xn--bcher-kva.example/"),
        ("http://\u0e44\u0e17\u0e22.example/", "http://xn--o3cw4h.example/"),
        ("http://under_score.example./", "http://under_score.example./"),
        ("http://[2606:4700::1111]/", "http://[2606:4700::1111]/"),
        ("http://8.8.8.8/", "http://8.8.8.8/"),
        ("http://example.com/user@host", "http://example.com/user@host"),
    ],
)
def test_pages_of_the_web_pass(url: str, read: str) -> None:
    """Ordinary URLs pass, international names encoded and the fragment left out."""
    assert target(url) == URL(read)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("ftp://example.com/", "only http"),
        ("file:///etc/passwd", "only http"),
        ("gopher://example.com/", "only http"),
        ("data:text/html,x", "only http"),
        ("//example.com/", "only http"),
        ("example.com", "only http"),
        ("", "only http"),
        ("http:///path", "no valid host"),
        ("http://exa%00mple.com/", "no valid host"),
        ("http://127%2e0.0.1/", "no valid host"),
        ("http://[fe80::1%25eth0]/", "no valid host"),
        ("http://a..b.example/", "no valid host"),
        ("http://" + "a." * 130 + "example/", "no valid host"),
        ("http://[::1", "no valid URL"),
        ("http://example.com:99999/", "no valid URL"),
        ("http://user@example.com/", "user name"),
        ("http://:secret@example.com/", "user name"),
        ("http://" + "a" * 200 + "!/", "no valid host"),
        ("http://example.com@127.0.0.1/", "user name"),
        ("http://example.com\\@127.0.0.1/", "backslash"),
        ("http://example.com/a b", "a space"),
        ("http://example.com/\r\nHost: x", "control character"),
        ("http://example.com:22/", "port 22"),
        ("http://example.com:6379/", "port 6379"),
        ("http://example.com:0/", "port 0"),
        ("http://127.0.0.1/", "not a public address"),
        ("http://2130706433/", "not a public address"),
        ("http://0x7f.1/", "not a public address"),
        ("http://\uff11\uff12\uff17.0.0.1/", "not a public address"),
        ("http://[::ffff:8.8.8.8]/", "not a public address"),
        ("http://1.2.3.4.5/", "not a valid address"),
        ("http://example.com/" + "x" * 2048, "longer than"),
    ],
)
def test_everything_else_is_refused(url: str, sentence: str) -> None:
    """Other schemes, ports, credentials, addresses and malformed hosts are refused with a sentence that says why."""
    with pytest.raises(BlockedError, match=sentence):
        target(url)


def test_a_relative_location_is_joined_and_judged() -> None:
    """A redirect may be relative; what it leads to is judged as a whole."""
    base = target("https://example.com/a/b?c")
    assert target("../d", base) == URL("https://example.com/d")
    assert target("//other.example/x", base) == URL("https://other.example/x")
    assert target("?q=1", base) == URL("https://example.com/a/b?q=1")
    with pytest.raises(BlockedError, match="not a public address"):
        target("//127.1/", base)
    with pytest.raises(BlockedError, match="only http"):
        target("javascript:alert(1)", base)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text makes the reader of URLs fail in another way than by refusing it."""
    for url in (text, f"http://{text}/", f"http://example.com{text}"):
        try:
            assert target(url).scheme in {"http", "https"}
        except BlockedError:
            continue


def test_advice_for_programs_that_connect_themselves() -> None:
    """A URL leads to something private if it is refused, unknown, or any of its addresses is not public."""
    with Network() as network:
        network.name("public.example", "93.184.216.34")
        network.name("mixed.example", ["93.184.216.34", "10.0.0.1"])
        assert not leads_to_private("http://public.example/")
        assert leads_to_private("http://mixed.example/")
        assert leads_to_private("http://unknown.example/")
        assert leads_to_private("http://localhost/")
        assert leads_to_private("ftp://public.example/")
        assert network.connections == []
