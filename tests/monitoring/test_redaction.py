"""Secrets are known by name or by shape; what only resembles one is left alone."""

from __future__ import annotations

import pytest

from reference.utils.monitoring import redaction
from reference.utils.monitoring.redaction import is_secret_name, redact, redact_text

TOKEN = "MTIzNDU2Nzg5MDEyMzQ1Njc4" + ".GabcdE." + "x" * 38


@pytest.mark.parametrize(
    "name",
    ["token", "bot_token", "botToken", "DISCORD_TOKEN", "X-Auth-Token", "apiKey", "api_key", "password", "Cookie",
     "cookies", "passwords", "api_keys",
     "client_secret", "SENTRY_DSN", "private_key", "Authorization", "webhook_url", "session_id"],
)  # fmt: skip
def test_names_of_secrets(name: str) -> None:
    """Names that mean a secret, in any spelling, are known."""
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name", ["max_tokens", "tokens", "token_count", "total_tokens", "author", "authority", "keyboard", "user", "key"]
)
def test_names_of_other_things(name: str) -> None:
    """Names that only resemble those of secrets are not taken for one."""
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (f"login with {TOKEN} failed", "login with [redacted] failed"),
        ("Authorization: Bearer abcdefghijkl.mnop", "Authorization: Bearer [redacted]"),
        ("https://discord.com/api/webhooks/12345/" + "a" * 68, "https://discord.com/api/webhooks/12345/[redacted]"),
        ("postgres://bot:hunter22@db/x", "postgres://bot:[redacted]@db/x"),
        ("https://x.test/?api_key=abcd1234&q=1", "https://x.test/?api_key=[redacted]&q=1"),
        ("key sk-abcdefghijklmnopqrstu used", "key [redacted] used"),
        ("ghp_" + "a" * 36, "[redacted]"),
        ("-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----", "[redacted]"),
        ("login by accessToken=abcd1234", "login by accessToken=[redacted]"),
        ("Authorization: Basic dXNlcjpwYXNz", "Authorization: Basic [redacted]"),
        ("The bot disconnected from voice", "The bot disconnected from voice"),
        ("basic authentication failed", "basic authentication failed"),
        ("a song about tokens and bearers", "a song about tokens and bearers"),
        ("https://example.com/watch?v=dQw4w9WgXcQ", "https://example.com/watch?v=dQw4w9WgXcQ"),
    ],
)
def test_shapes_of_secrets(text: str, clean: str) -> None:
    """A text keeps everything but its secrets, the first time and the second."""
    assert redact_text(text) == clean
    assert redact_text(text) == clean


def test_nested_data() -> None:
    """Secrets are found at every depth, in keys and bytes too; what lies too deep is taken out whole."""
    data = {"a": [{"password": "x"}, (1, TOKEN)], TOKEN: b"Bearer abcdefghijklmn", "token": None, "auth": True}
    assert redact(data) == {
        "a": [{"password": "[redacted]"}, [1, "[redacted]"]],
        "[redacted]": "Bearer [redacted]",
        "token": None,
        "auth": True,
    }
    deep: list[object] = []
    for _ in range(40):
        deep = [deep]
    assert "[redacted]" in str(redact(deep))
    assert redact("value", "secret") == "[redacted]"


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither names nor texts are remembered without end."""
    monkeypatch.setattr(redaction, "_MOST_NAMES", 3)
    monkeypatch.setattr(redaction, "_MOST_HARMLESS", 3)
    monkeypatch.setattr(redaction, "_known_names", {})
    monkeypatch.setattr(redaction, "_harmless", set())
    for number in range(10):
        assert not is_secret_name(f"field_{number}")
        assert redact_text(f"a harmless text {number}")
    assert len(redaction._known_names) == 3
    assert len(redaction._harmless) <= 3
