"""What the documents name exists: links, paths, sessions, commands and their options, exit codes."""

from __future__ import annotations

import json
import re
import shlex
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from harness import arguments as harness_arguments
from harness.project import HOME
from localdiscord import __main__ as localdiscord_program
from reference import __main__ as reference_program
from reference.exit_codes import ExitCode
from tests.test_front_door import commands, sessions

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator
    from pathlib import Path

DOCUMENTS = sorted(HOME.glob("*.md"))
WRITTEN = [file for file in DOCUMENTS if file.name != "AUDIT.md"]
"""The documents that people write; AUDIT.md is rendered, and held to its sources by the ledger."""

README = (HOME / "README.md").read_text(encoding="utf-8")
PARTS = ("harness", "regressions", "fuzz", "reference", "localdiscord", "benchmarks", "tests", "docs", ".github", ".ci")
PROGRAMS: dict[str, Callable[[], argparse.ArgumentParser]] = {
    "harness": harness_arguments.parser,
    "reference": reference_program._parser,
    "localdiscord": localdiscord_program._parser,
}
HARNESS_SESSIONS = {"prove", "judge", "ledger", "fuzz", "mutants"}
"""Sessions whose arguments go to the command of the same name."""


def code(text: str) -> Iterator[str]:
    """Yield what stands in code: each inline piece, and each line of a block without its comment."""
    blocks = re.findall(r"^```.*?^```", text, re.MULTILINE | re.DOTALL)
    for block in blocks:
        yield from (line.partition("  #")[0].partition(" # ")[0] for line in block.splitlines()[1:-1])
        text = text.replace(block, "")
    yield from re.findall(r"`([^`\n]+)`", text)


def named_commands() -> list[str]:
    """Return all code of the documents, of the workflow, of the local CI and of the noxfile's descriptions."""
    texts = [file.read_text(encoding="utf-8") for file in WRITTEN]
    scripts = [commands(), (HOME / ".ci" / "run").read_text(encoding="utf-8")]
    return [piece for text in texts for piece in code(text)] + "\n".join(scripts).splitlines()


def slug(heading: str) -> str:
    """Return the anchor that GitHub makes of a heading."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").strip().lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


def anchors(file: Path) -> set[str]:
    """Return the anchors of a document."""
    text = file.read_text(encoding="utf-8")
    return {slug(found) for found in re.findall(r"^#+ (.+)$", text, re.MULTILINE)} | set(
        re.findall(r'<a (?:id|name)="([^"]+)"', text)
    )


def broken(file: Path, target: str) -> bool:
    """Tell whether a link of a document leads nowhere within the project."""
    path, _, anchor = target.partition("#")
    place = (file.parent / path) if path else file
    return not place.exists() or bool(anchor and place.suffix == ".md" and anchor not in anchors(place))


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: file.name)
def test_links_lead_somewhere(file: Path) -> None:
    """Each relative link of a document leads to a file of the project, and its anchor to a heading there."""
    targets = set(re.findall(r"\]\(([^)\s]+)\)", file.read_text(encoding="utf-8")))
    here = [target for target in targets if not re.match(r"https?:|mailto:", target)]
    assert [target for target in here if broken(file, target)] == []


@pytest.mark.parametrize("file", WRITTEN, ids=lambda file: file.name)
def test_paths_exist(file: Path) -> None:
    """Each path in code that begins with a folder of the project is there."""
    paths = [piece for piece in code(file.read_text(encoding="utf-8")) if re.fullmatch(r"[\w.-]+(/[\w.-]+)+/?", piece)]
    ours = [path for path in paths if path.split("/")[0] in PARTS]
    assert [path for path in ours if not (HOME / path).exists()] == []


def accepts(parser: argparse.ArgumentParser, arguments: str) -> bool:
    """Tell whether a program understands a command line."""
    try:
        parser.parse_args(shlex.split(arguments))
    except SystemExit as ended:
        return ended.code == 0
    return True


@pytest.mark.parametrize("command", sorted({text for text in named_commands() if "nox -s" in text}))
def test_sessions_exist_and_take_their_arguments(command: str) -> None:
    """Each `nox -s NAME -- ARGUMENTS` names a session whose program understands the arguments."""
    for name, arguments in re.findall(r"nox (?:--[\w-]+ )*-s \"?([a-z_]+)\S*(?: -- ([^\"#;|]*))?", command):
        assert name in sessions()
        if name in HARNESS_SESSIONS and (arguments or name != "judge"):
            assert accepts(PROGRAMS["harness"](), f"{name} {arguments}")
        if name == "bot":
            assert accepts(PROGRAMS["reference"](), arguments)


BRINGER = {"pip": "ensurepip"}
"""What Python has instead of a module that an environment may lack."""


@pytest.mark.parametrize("command", sorted({text for text in named_commands() if "python -m" in text}))
def test_modules_exist_and_take_their_arguments(command: str) -> None:
    """Each `python -m MODULE ARGUMENTS` names a module, and ours understand the arguments."""
    for module, arguments in re.findall(r"python -m ([\w.]+) ?([^\"#;|]*)", command):
        assert find_spec(BRINGER.get(module, module)) is not None
        if module in PROGRAMS and (arguments or module != "harness"):
            assert accepts(PROGRAMS[module](), arguments)


def rows(heading: str) -> list[list[str]]:
    """Return the rows of the README's table whose first heading is the one given."""
    (table,) = re.findall(rf"^\| {re.escape(heading)} \|.*\n\|[-| ]+\n((?:\|.*\n)+)", README, re.MULTILINE)
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines()]


def test_every_session_is_described() -> None:
    """README.md names each nox session."""
    described = {name for row in rows("session") for name in re.findall(r"`([a-z]+)`", row[0])}
    assert described == sessions()


@pytest.mark.parametrize(
    ("heading", "codes"),
    [("exit code of `python -m reference`", ExitCode), ("exit code", harness_arguments.Exit)],
    ids=["reference", "harness"],
)
def test_exit_codes_are_told(heading: str, codes: type[ExitCode | harness_arguments.Exit]) -> None:
    """README.md tells each exit code of a program, and no other."""
    told = [int(number) for row in rows(heading) for number in row[0].split(", ")]
    assert sorted(told) == sorted(int(each) for each in codes)


def test_the_commands_of_the_bot_exist() -> None:
    """Each slash command of README.md is one of the bot's, by the texts that describe it."""
    files = sorted((HOME / "reference" / "cogs").glob("*/commands.th.json"))
    known = {
        key.removesuffix(".name")
        for file in files
        for key in json.loads(file.read_text(encoding="utf-8"))
        if "." in key
    }
    named = {name.removesuffix("…").strip() for row in rows("area") for name in re.findall(r"`/([^`]+)`", row[1])}
    assert len(named) > 30
    assert named - known == set()
