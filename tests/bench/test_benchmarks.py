"""The benchmarks: what counts as a score, what as an error, and what a run reports."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks import __main__ as command
from benchmarks import report
from benchmarks.contest import Bout, Contender, Contest, Outcome, Status, hold, peer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path


async def done() -> str:
    """Be an operation."""
    return "done"


async def breaks() -> str:
    """Be an operation that fails."""
    raise RuntimeError("broken\nat length")


def entering(bout: Bout) -> Callable[[], Awaitable[Bout]]:
    """Make what a contender enters with."""

    async def enter() -> Bout:
        return bout

    return enter


FLOOR = Contender("floor", entering(Bout(done, "done")))
OURS = Contender("ours", entering(Bout(done, "done")), is_ours=True)


def contest(*contenders: Contender, target: float | None = 1000.0) -> Contest:
    """Make a contest of a floor and others."""
    return Contest("some", "Something", target, [FLOOR, *contenders])


async def outcome_of(*contenders: Contender, target: float | None = 1000.0) -> Outcome:
    """Hold a short contest."""
    return await hold(contest(*contenders, target=target), 1)


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> Callable[[Contest], None]:
    """Let the command find one contest."""

    def only(contest: Contest) -> None:
        monkeypatch.setattr(command, "discover", lambda: ({contest.name: contest}, {}))

    return only


async def test_ratio_to_the_floor() -> None:
    """Each contender gets its time and its ratio, the floor's being 1."""
    outcome = await outcome_of(OURS)
    assert [score.status for score in outcome.scores] == [Status.OK, Status.OK]
    assert outcome.scores[0].ratio == 1.0
    assert (outcome.scores[1].ratio or 0) > 0
    assert outcome.is_met
    assert outcome.errors == []


async def test_memory_is_shown() -> None:
    """What a contender holds at the end is part of its score and of its line in the table."""
    outcome = await outcome_of(Contender("ours", entering(Bout(done, "done", memory=lambda: 3 * 2**20)), is_ours=True))
    assert outcome.scores[1].memory == 3 * 2**20
    names = list(report.table(outcome).columns[0].cells)
    assert any("3 MiB" in str(name) for name in names)


async def test_plain_functions_take_part() -> None:
    """A contender may be a function that is not awaited."""
    outcome = await outcome_of(Contender("ours", entering(Bout(lambda: 1, 1, awaits=False)), is_ours=True))
    assert outcome.scores[1].status is Status.OK


@pytest.mark.parametrize(
    "bout",
    [Bout(breaks, "done"), Bout(done, "else"), Bout(done, "done", breaks), Bout(done, "done", None, close=breaks)],
    ids=["fails", "wrong answer", "no proof", "close fails"],
)
async def test_contender_that_does_not_work_has_no_score(bout: Bout) -> None:
    """A contender that fails, answers wrongly or cannot prove its work is an error with a reason of one line."""
    outcome = await outcome_of(Contender("ours", entering(bout), is_ours=True))
    score = outcome.scores[1]
    assert (score.status, score.ratio, score.nanoseconds) == (Status.ERROR, None, None)
    assert score.reason.startswith(("RuntimeError: broken", "ValueError: "))
    assert "\n" not in score.reason
    assert outcome.errors == [score]
    assert not outcome.is_met


async def test_failure_in_the_middle_is_an_error() -> None:
    """A contender that works at first and fails while it is timed is an error, and the others are timed on."""
    calls = 0

    async def tires() -> str:
        nonlocal calls
        calls += 1
        return "done" if calls < 50 else await breaks()

    outcome = await hold(contest(Contender("tired", entering(Bout(tires, "done")), "rich"), OURS), 2)
    assert [score.status for score in outcome.scores] == [Status.OK, Status.ERROR, Status.OK]
    assert outcome.unknown == [outcome.scores[1]]
    assert outcome.errors == []


async def test_missing_peer_is_no_error() -> None:
    """A peer that is not installed is shown as such; a module of ours that is missing is an error."""

    async def enter() -> Bout:
        peer("no_such_module_at_all")
        raise AssertionError

    outcome = await outcome_of(Contender("peer", enter, "no-such-module"), Contender("mine", enter, is_ours=True))
    assert [score.status for score in outcome.scores] == [Status.OK, Status.NOT_INSTALLED, Status.ERROR]
    assert outcome.scores[1].version == ""
    assert [score.contender.name for score in outcome.errors] == ["mine"]


async def test_target_and_peers_are_bounds() -> None:
    """A target that is out of reach is missed."""
    assert not (await outcome_of(OURS, target=0.0001)).is_met


async def test_json_has_the_schema_and_no_places(tmp_path: Path) -> None:
    """The saved result names schema, versions and ratios, and nothing of the machine's paths."""
    outcome = await outcome_of(OURS, Contender("broken", entering(Bout(breaks)), "rich"))
    data = report.as_json([outcome])
    assert sorted(data) == ["contests", "implementation", "python", "schema", "system"]
    assert data["schema"] == 1
    some: dict[str, Any] = data["contests"]["some"]
    assert sorted(some["contenders"]) == ["broken", "floor", "ours"]
    assert sorted(some["contenders"]["ours"]) == [
        *("memory_bytes", "nanoseconds", "ours", "ratio", "reason", "status", "version")
    ]
    assert str(tmp_path.anchor) + "home" not in json.dumps(data)


@pytest.mark.parametrize(
    ("contender", "arguments", "code"),
    [
        (OURS, [], 0),
        (Contender("ours", entering(Bout(breaks)), is_ours=True), [], 1),
        (Contender("peer", entering(Bout(breaks)), "rich"), [], 0),
        (OURS, ["--strict"], 1),
        (OURS, ["--only", "some"], 0),
        (OURS, ["--only", "other"], 2),
    ],
)
def test_exit_codes(
    only: Callable[[Contest], None],
    capsys: pytest.CaptureFixture[str],
    contender: Contender,
    arguments: list[str],
    code: int,
) -> None:
    """An error of ours is red, one of a peer is shown; a name that is no benchmark is wrong usage."""
    only(contest(contender, target=0.0001))
    assert command.main(["--rounds", "1", *arguments]) == code
    text = capsys.readouterr().out
    assert ("error: RuntimeError: broken" in " ".join(text.split())) == (contender is not OURS)


def test_json_file(only: Callable[[Contest], None], tmp_path: Path) -> None:
    """``--json`` saves what was shown."""
    only(contest(OURS))
    file = tmp_path / "result.json"
    assert command.main(["--rounds", "1", "--json", str(file)]) == 0
    assert json.loads(file.read_text(encoding="utf-8"))["contests"]["some"]["contenders"]["floor"]["ratio"] == 1.0


def test_rounds_are_checked(capsys: pytest.CaptureFixture[str]) -> None:
    """No rounds at all are wrong usage, not an empty result."""
    with pytest.raises(SystemExit) as caught:
        command.main(["--rounds", "0"])
    assert caught.value.code == 2
    assert "at least 1" in capsys.readouterr().err


def test_discovery() -> None:
    """The benchmarks of the reliability package are found by themselves, each with a floor and one of ours."""
    contests, broken = command.discover()
    assert broken == {}
    assert {"breaker", "limiter", "limiter.keyed", "retry"} <= contests.keys()
    for name, found in contests.items():
        assert found.name == name
        assert not found.contenders[0].is_ours
        assert any(contender.is_ours for contender in found.contenders)


def test_broken_module_is_shown(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A benchmark that cannot be imported is an error of the run."""

    def import_module(name: str) -> object:
        raise ImportError(f"no {name}")

    monkeypatch.setattr(command, "import_module", import_module)
    contests, broken = command.discover()
    assert contests == {}
    assert broken["limiter"] == "ImportError: no benchmarks.limiter"
    assert command.main([]) == 1
    assert "no benchmarks.limiter" in capsys.readouterr().out
