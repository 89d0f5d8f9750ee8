"""The front door of the mutants: survivors are listed, killed ones are not, and named ones have to be survivors."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from harness import mutants, mutants_report, report, survivors
from harness.__main__ import main
from harness.arguments import Exit
from harness.mutants import Area, Mutant, MutantsError, Outcome
from harness.project import Project
from harness.survivors import Kind, Named

if TYPE_CHECKING:
    from pathlib import Path

PATIENCE = 60
"""Seconds for a run that takes four on a machine that has nothing else to do."""

PRICE = '''\
"""Prices."""


class Price:
    """A price."""

    def __init__(self, euros: int) -> None:
        self.euros = euros

    async def of(self, count: int) -> int:
        """Return the price of many."""
        return self.euros * count


def is_dear(euros: int) -> bool:
    """Tell whether it costs much."""
    return euros > 100


def unused(euros: int) -> int:
    """Nobody asks for this."""
    return -euros
'''
TESTS = '''\
"""Prices."""

import asyncio

from reference.utils.shop.price import Price


def test_many():
    """Three of two are six."""
    assert asyncio.run(Price(2).of(3)) == 6


def test_dear(subject):
    """A thousand is dear, in a tree that is judged too."""
    assert subject.shop.price.is_dear(1000)
'''
AREAS = """\
[shop]
sources = ["reference/utils/shop"]
tests = ["tests"]
floor = 50
names_all = true
"""
FILE = "reference/utils/shop/price.py"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project of one module with a test of each kind, and with a function that no test reaches."""
    root = tmp_path_factory.mktemp("shop")
    files = {FILE: PRICE, "tests/test_price.py": TESTS, "mutants/areas.toml": AREAS}
    files |= dict.fromkeys(("reference/__init__.py", "reference/utils/__init__.py"), "")
    files |= {"reference/utils/shop/__init__.py": "", "conftest.py": 'pytest_plugins = ["harness.plugin"]\n'}
    files["pyproject.toml"] = (
        '[tool.pytest.ini_options]\naddopts = ["--import-mode=importlib", "--subject=reference"]\n'
        'filterwarnings = ["error::ResourceWarning", "error::pytest.PytestUnraisableExceptionWarning"]\n'
    )
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return Project(root)


@pytest.mark.posix("mutmut forks")
def test_a_surviving_mutant_is_listed_and_a_killed_one_is_not(shop: Project) -> None:
    """Each small change that no test notices is shown with file, line, function and both readings.

    What was found is kept: a test that is added sends only the survivors in again, a changed source all of its file.
    """
    code, shown = front_door(shop)
    assert code == Exit.FAILED, shown
    told = [line.removeprefix("shop: ") for line in shown if line.startswith("shop: ")]
    assert told[:2] == ["making mutants", "noting which tests reach what"]
    assert told[-1].startswith("trying mutants, ")
    assert f"{FILE}:17 is_dear survived" in shown
    assert {"    - return euros > 100", "    + return euros >= 100", "    + return euros > 101"} < set(shown)
    assert f"{FILE}:22 unused uncovered" in shown
    assert not any("Price.of" in line or "self.euros" in line for line in shown)
    assert shown[-1].split()[:7] == ["shop", "5", "2", "0", "2", "1", "0"]
    report = (shop.root / ".mutants" / "report.md").read_text(encoding="utf-8")
    assert f"- {FILE}:17 is_dear: `return euros > 100` → `return euros >= 100`; survived" in report

    noticed = (shop.root / ".mutants" / "shop" / "noticed.txt").read_text(encoding="utf-8").splitlines()
    assert {line.split("\t")[1] for line in noticed} == {"tests/test_price.py::test_many"}
    assert len(noticed) == 2

    area = mutants.areas(shop)["shop"]
    (shop.root / "tests" / "test_price.py").write_text(TESTS + "\n", encoding="utf-8")
    mutants._prepare(shop, shop.root / ".mutants" / "shop", area, afresh=False)
    kept = {"Price.of": {"killed"}, "Price.__init__": {"killed"}}
    assert outcomes(shop) == {**kept, "is_dear": {"not run"}, "unused": {"not run"}}
    (shop.root / FILE).write_text(PRICE + "\n", encoding="utf-8")
    mutants._prepare(shop, shop.root / ".mutants" / "shop", area, afresh=False)
    assert outcomes(shop) == {}


def front_door(project: Project) -> tuple[int, list[str]]:
    """Run the command as people do; skip the test where the machine has no time for its few seconds of work."""
    command = [sys.executable, "-m", "harness", "mutants", "--project", str(project.root), "--workers", "1"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", start_new_session=True
    ) as process:
        try:
            shown, _ = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            pytest.skip(f"the machine is too busy: five mutants took more than {PATIENCE} s")
    lines = shown.splitlines()
    if lines[-1].startswith("shop ") and lines[-1].split()[3] != "0":
        pytest.skip("the machine is too busy: a test of a mutant that cannot hang was not done in time")
    return process.returncode, lines


@pytest.mark.posix("mutmut forks")
@pytest.mark.parametrize(
    "fault",
    ["Price(1).euros == 2", "__import__('signal').getsignal(2) is not __import__('signal').SIG_IGN"],
    ids=["always", "only where mutants are tried"],
)
def test_a_failing_test_is_named(shop: Project, tmp_path: Path, fault: str) -> None:
    """Where a test fails without any mutant none is tried, and the sentence says which test it was."""
    root = tmp_path / "shop"
    shutil.copytree(shop.root, root, ignore=shutil.ignore_patterns(".mutants"))
    with (root / "tests" / "test_price.py").open("a", encoding="utf-8") as file:
        file.write(f"\n\ndef test_wrong():\n    assert {fault}\n")
    code, shown = front_door(Project(root))
    assert code == Exit.USAGE, shown
    assert "tests/test_price.py::test_wrong failed" in " ".join(shown)


def test_mutants_that_are_there_are_not_made_again(shop: Project) -> None:
    """All of the project is copied beside the mutants but the sources: mutmut makes those anew that are newer."""
    copied = mutants._copied(shop.root / "reference", "reference", ["reference/utils/shop"])
    assert set(copied) - {"reference/__pycache__", "reference/utils/__pycache__"} == {
        "reference/__init__.py",
        "reference/utils/__init__.py",
    }
    assert list(mutants._copied(shop.root / "tests", "tests", ["reference/utils/shop"])) == ["tests"]


@pytest.mark.posix("mutmut forks")
def test_two_runs_of_one_area_are_kept_apart(tmp_path: Path) -> None:
    """A second run would empty the folder in which the first works, so it is refused until that has ended."""
    place = tmp_path / ".mutants" / "shop"
    with mutants._alone(place), pytest.raises(MutantsError, match="shop: another run"), mutants._alone(place):
        pytest.fail("both run")
    with mutants._alone(place):
        pass


@pytest.mark.posix("mutmut forks")
def test_a_test_that_a_mutant_keeps_from_ending_is_a_time_out(tmp_path: Path) -> None:
    """A single test is ended from outside, whatever it holds on to, and that is no failure like others."""
    test = tmp_path / "test_endless.py"
    test.write_text(
        "def test_endless():\n    while True:\n        try:\n            while True: pass\n"
        "        except BaseException:\n            pass\n",
        encoding="utf-8",
    )
    options = [*mutants.OPTIONS, *mutants.TEST_ENDS, "--timeout=0.1", "-c", os.devnull, "--rootdir", str(tmp_path)]
    run = subprocess.run([sys.executable, "-m", "pytest", *options, str(test)], capture_output=True, check=False)
    assert mutants._outcome(run.returncode) is Outcome.TIMED_OUT, run.stdout


def outcomes(project: Project) -> dict[str, set[str]]:
    """Return what is known of each function's mutants."""
    known: dict[str, set[str]] = {}
    for mutant in mutants.read(project, mutants.areas(project)["shop"], "shop"):
        known.setdefault(mutant.function, set()).add(mutant.outcome)
    return known


def mutant(after: str, outcome: Outcome, before: str = "return a > b") -> Mutant:
    """Make a mutant of one line."""
    return Mutant("a.py", 3, "f", before, after, outcome)


FOUND = [
    mutant("return a < b", Outcome.KILLED),
    mutant("return a >= b", Outcome.SURVIVED),
    mutant("return a > c", Outcome.UNCOVERED),
    mutant("return None", Outcome.TIMED_OUT),
    mutant("return 1", Outcome.NOT_RUN, before="return 0"),
]


def named(*after: str, before: str = "return a > b", kind: Kind = Kind.EQUIVALENT) -> Named:
    """Name survivors of the line."""
    return Named(file="a.py", function="f", before=before, after=list(after), kind=kind, reason="They never differ.")


def test_the_score_leaves_out_what_nobody_could_tell() -> None:
    """Noticed are the killed and the timed out; equivalent ones and those not run do not count, accepted ones do."""
    plain = survivors.tally(FOUND, [])
    assert (plain.tried, plain.score, len(plain.unnamed)) == (4, 50.0, 2)
    equivalent = survivors.tally(FOUND, [named("return a >= b")])
    assert (round(equivalent.score, 1), len(equivalent.unnamed), equivalent.faults) == (66.7, 1, [])
    accepted = survivors.tally(FOUND, [named("return a >= b", "return a > c", kind=Kind.ACCEPTED)])
    assert (accepted.score, accepted.unnamed, accepted.faults) == (50.0, [], [])
    assert survivors.tally([], []).score == 0


@pytest.mark.parametrize(
    ("name", "says"),
    [
        (named("return a >= b", before="return a > z"), "there is no such mutant"),
        (named("return a >= z"), "there is no such mutant, to 'return a >= z'"),
        (named("return a < b", "return a >= b"), "to 'return a < b': is noticed by a test"),
        (named("return None"), "is noticed by a test"),
    ],
)
def test_a_named_survivor_that_is_none_is_a_fault(name: Named, says: str) -> None:
    """An entry whose line is gone, or whose mutant a test notices by now, is to be taken out."""
    (fault,) = survivors.tally(FOUND, [name]).faults
    assert fault.startswith("a.py, f: 'return a > ")
    assert says in fault
    assert fault.endswith("take it out of the list")


def test_a_log_is_told_each_tenth(capsys: pytest.CaptureFixture[str]) -> None:
    """Where nobody sees a bar, each phase and each tenth of the mutants is a line of its own."""
    screen = Console(width=80)
    follow = mutants_report.follower(report.progress(screen), screen, "shop")
    for step in [("making mutants", 0, 0), ("making mutants", 0, 0), *(("trying", done, 20) for done in range(8))]:
        follow(*step)
    assert capsys.readouterr().out.splitlines() == [
        "shop: making mutants",
        *(f"shop: trying, {part} % of 20" for part in (0, 10, 20, 30)),
    ]


def test_a_whole_line_can_be_named() -> None:
    """Without `after` every survivor of the line is meant, and one has to be left."""
    assert survivors.tally(FOUND, [named()]).unnamed == []
    assert survivors.tally(FOUND, [named()]).faults == []
    (fault,) = survivors.tally(FOUND[:1], [named()]).faults
    assert "each mutant is noticed by a test" in fault


def test_an_area_holds_what_it_promises() -> None:
    """The floor is a promise, and so is that each survivor is named; a fault of a name breaks both."""
    area = Area(sources=["a.py"], tests=["tests"], floor=50)
    strict = area.model_copy(update={"names_all": True})
    assert mutants_report.is_held(area, survivors.tally(FOUND, []))
    assert not mutants_report.is_held(strict, survivors.tally(FOUND, []))
    assert mutants_report.is_held(strict, survivors.tally(FOUND, [named()]))
    assert not mutants_report.is_held(area.model_copy(update={"floor": 51}), survivors.tally(FOUND, []))
    assert not mutants_report.is_held(area, survivors.tally(FOUND, [named("return None")]))


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("areas.toml", '[shop]\nsources = ["nowhere"]\ntests = ["mutants"]\n', "shop: there is no nowhere"),
        ("areas.toml", '[shop]\nsources = []\ntests = ["mutants"]\n', "areas.toml"),
        ("areas.toml", "[shop\n", "is not valid TOML"),
        ("survivors.toml", '[[survivor]]\nfile = "a.py"\n', "survivors.toml"),
        ("survivors.toml", "", "nonsense: there is no such area; there are shop"),
    ],
)
def test_wrong_usage_exits_with_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], file: str, text: str, says: str
) -> None:
    """A wrong table and an unknown area are named, and nothing is run."""
    folder = tmp_path / "mutants"
    folder.mkdir()
    (folder / "areas.toml").write_text('[shop]\nsources = ["mutants"]\ntests = ["mutants"]\n', encoding="utf-8")
    (folder / file).write_text(text, encoding="utf-8")
    assert main(["mutants", "--project", str(tmp_path), "nonsense"]) == Exit.USAGE
    assert says in capsys.readouterr().err
    assert not (tmp_path / ".mutants").exists()


def test_without_mutmut_the_sentence_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where mutmut is not there, as on Windows, nothing is made and the reason is one sentence."""
    monkeypatch.setattr(mutants, "find_spec", lambda _name: None)
    with pytest.raises(MutantsError, match="install the group `test`"):
        mutants.run(Project(tmp_path), "shop", Area(sources=["a"], tests=["b"]))
    assert list(tmp_path.iterdir()) == []


def test_the_areas_of_this_project_are_there() -> None:
    """Each area of this project names sources and tests that exist, and each named survivor a function that does."""
    project = Project()
    assert {"web", "database", "reliability"} <= set(mutants.areas(project))
    strays = [
        f"{name.file}: {name.function}"
        for name in survivors.load(project.mutants / "survivors.toml")
        if name.function not in mutants._functions(project.root / name.file)
    ]
    assert strays == []
