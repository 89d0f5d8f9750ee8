"""Reports to Sentry: none without a DSN, and none with a secret in it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest
import sentry_sdk

from reference.utils.monitoring import sentry_integration as sentry
from reference.utils.monitoring.structured_logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Iterator

DSN = "https://abc@sentry.invalid/1"


@pytest.fixture
def reports(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    """The reports that would have been sent."""
    sent: list[dict[str, Any]] = []

    class Transport(sentry_sdk.Transport):
        def capture_envelope(self, envelope: sentry_sdk.envelope.Envelope) -> None:
            event = envelope.get_event()
            if event is not None:
                sent.append(dict(event))

    monkeypatch.setattr(sentry, "_sdk", None)
    with sentry_sdk.isolation_scope():
        assert sentry.init_sentry(DSN, transport=Transport, default_integrations=False)
        yield sent
        sentry_sdk.get_client().close()
        sentry_sdk.get_global_scope().set_client(None)


def test_without_a_dsn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a DSN nothing is set up, and everything else does nothing."""
    monkeypatch.setattr(sentry, "_sdk", None)
    monkeypatch.delenv(sentry.DSN_VARIABLE, raising=False)
    assert not sentry.init_sentry()
    assert not sentry.is_sentry_enabled()
    assert sentry.capture_exception(ValueError()) is None
    assert sentry.capture_message("x") is None
    sentry.add_breadcrumb("x")


def test_what_cannot_be_set_up(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """A DSN that is none, and a missing sentry_sdk, are a warning and False."""
    monkeypatch.setattr(sentry, "_sdk", None)
    assert not sentry.init_sentry("no address")
    monkeypatch.setitem(sys.modules, "sentry_sdk", None)
    monkeypatch.setenv(sentry.DSN_VARIABLE, DSN)
    assert not sentry.init_sentry()
    assert "errors are not reported to Sentry" in caplog.text
    assert "not installed" in caplog.text


def test_reports_have_no_secrets(reports: list[dict[str, Any]]) -> None:
    """A report tells who, where and what, and no secret: in the message, the variables, the context or the crumbs."""
    sentry.add_breadcrumb("login", api_key="hunter22", url="https://a:hunter22@b.test/")
    with get_logger("tests.sentry").request(correlation_id="cid-1"):
        try:
            password = "hunter22"
            raise ValueError(f"password={password}")  # noqa: TRY301  its frame has the variable
        except ValueError as error:
            event_id = sentry.capture_exception(
                error, user_id=7, guild_id=8, tags={"cog": "ai"}, secret="hunter22", command="x"
            )
    assert sentry.is_sentry_enabled()
    (report,) = reports
    assert report["event_id"] == event_id
    assert report["user"] == {"id": "7"}
    assert report["tags"] == {"guild_id": "8", "cog": "ai", "correlation_id": "cid-1"}
    assert report["contexts"]["bot"] == {"secret": "[redacted]", "command": "x"}
    assert "hunter22" not in str({**report, "exception": report["exception"]["values"][0]["value"]})


def test_messages(reports: list[dict[str, Any]]) -> None:
    """A message is reported with its level, without a scope of the one before."""
    sentry.capture_message("one", "warning", user_id=1)
    sentry.capture_message("two")
    assert [(report["message"], report["level"]) for report in reports] == [("one", "warning"), ("two", "info")]
    assert "user" not in reports[1]


def test_scrubbing() -> None:
    """Personal data, cookies and bodies are taken out; a report that cannot be looked through is not sent."""
    event = {
        "user": {"id": "1", "email": "a@b.c", "ip_address": "::1"},
        "request": {"cookies": "a=b", "data": "x", "headers": {"Authorization": "Bot x"}, "url": "https://x.test"},
    }
    assert sentry.scrub_event(event) == {
        "user": {"id": "1"},
        "request": {
            "cookies": "[redacted]",
            "data": "[redacted]",
            "headers": {"Authorization": "[redacted]"},
            "url": "https://x.test",
        },
    }

    class Hostile(dict[str, Any]):
        def items(self) -> Any:
            raise RuntimeError

    assert sentry.scrub_event(Hostile()) is None
