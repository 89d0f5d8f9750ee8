"""The check against Discord's own description finds what differs: it has teeth, and says when it cannot bite."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fuzz import conformance
from fuzz.conformance import DESCRIPTION, Judge, judged
from localdiscord import LocalDiscord
from localdiscord.model.world import Event
from localdiscord.rest.router import Exchange

ROLE = {"id": "1", "name": "r"}
REFUSAL: dict[str, Any] = {"message": "", "code": 1}


@pytest.fixture
def judge() -> Judge:
    """A judge of its own, so that nothing found here is found elsewhere."""
    if not DESCRIPTION.is_file():
        pytest.skip(f"Discord's description is not there: {DESCRIPTION.name}")
    return Judge(json.loads(DESCRIPTION.read_text(encoding="utf-8")))


def said(method: str, template: str, status: int, response: Any, request: Any = None) -> Exchange:
    """Return an exchange."""
    return Exchange(method, template, template, request, False, status, response)


@pytest.mark.parametrize(
    ("exchange", "problem"),
    [
        (said("GET", "/nonsense", 200, {}), "no such operation"),
        (said("GET", "/users/@me", 206, {}), "the description knows"),
        (said("GET", "/guilds/{guild_id}/roles/{role_id}", 200, ROLE), "'permissions' is a required property"),
        (said("DELETE", "/guilds/{guild_id}/roles/{role_id}", 204, {"x": 1}), "has no body"),
        (said("POST", "/guilds/{guild_id}/roles", 400, {"message": "no"}), "'code' is a required property"),
        (said("POST", "/guilds/{guild_id}/roles", 400, REFUSAL), ""),
        (
            said("POST", "/guilds/{guild_id}/roles", 400, REFUSAL | {"errors": {"a": {"_errors": [{"code": "x"}]}}}),
            "errors.a",
        ),
        (said("POST", "/channels/{channel_id}/messages", 200, {}, {"content": 5}), "request: at content"),
    ],
)
def test_differences_are_found(judge: Judge, exchange: Exchange, problem: str) -> None:
    """A path, status, answer, refusal or request that the description has differently is told, and nothing else."""
    judge.hear(exchange)
    assert any(problem in each for each in judge.problems) if problem else judge.problems == []


def test_events_are_held_against_their_schemas(judge: Judge) -> None:
    """A payload of the gateway that lacks a field is told."""
    judge.hear_event(Event("GUILD_ROLE_CREATE", {"guild_id": "1", "role": ROLE}))
    assert any("event GUILD_ROLE_CREATE" in each for each in judge.problems)


async def test_a_difference_fails_the_test(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a server says meanwhile is judged, and a difference is an assertion."""
    monkeypatch.setattr(conformance, "_judge", lambda: judge)
    async with LocalDiscord() as discord:
        with pytest.raises(AssertionError, match="no such operation"), judged(discord, needed=True):
            judge.hear(said("GET", "/nonsense", 200, {}))
        assert discord.record == judge.hear


async def test_without_the_description_nothing_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the description is not there, tests go on without, or are skipped and say why."""
    monkeypatch.setattr(conformance, "_judge", lambda: None)
    async with LocalDiscord() as discord:
        with judged(discord) as nobody:
            assert (nobody, discord.record) == (None, None)
        with pytest.raises(pytest.skip.Exception, match="not there"), judged(discord, needed=True):
            pass
