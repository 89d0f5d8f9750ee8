"""What the commands of the harness take: arguments, their help, and the exit codes."""

from __future__ import annotations

import argparse
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import judge, mutants, search
from harness.project import HOME

if TYPE_CHECKING:
    from collections.abc import Callable


class Exit(IntEnum):
    """The exit codes of every command."""

    HELD = 0
    FAILED = 1
    USAGE = 2
    BROKEN = 3
    NOTHING_RAN = 4
    INTERRUPTED = 130


PROGRAM = "python -m harness"
PURPOSE = "Judge a tree by the audit's regressions, and prove that the regressions can fail."
EXIT_CODES = """exit codes:
  0    nothing failed
  1    a finding failed, a search found a failure, a verdict was not as expected,
       a proof or the ledger does not hold, or mutants of an area survive that its
       floor or its list of survivors does not allow
  2    wrong usage
  3    the harness itself is broken: the register, the evidence, or a fault of its own
  4    nothing ran, so nothing was judged
  130  stopped by Ctrl+C
"""


class _Parser(argparse.ArgumentParser):
    """A parser, and a command's as well, whose help ends with the exit codes."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(epilog=EXIT_CODES, formatter_class=argparse.RawDescriptionHelpFormatter, **settings)


def parser(program: str = PROGRAM) -> argparse.ArgumentParser:
    """Return what reads a command line.

    Args:
        program: how the process was called.
    """
    whole = _Parser(prog=program, description=PURPOSE)
    whole.set_defaults(program=program)
    commands = whole.add_subparsers(dest="command", required=True, metavar=f"{{{','.join(COMMANDS)}}}")
    for name, (text, adders) in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("--project", type=Path, default=HOME, metavar="PATH", help=argparse.SUPPRESS)
        for add in adders:
            add(command)
    return whole


def _common(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--finding", nargs="+", action="extend", metavar="ID", default=[], help="only these findings, F02 for one"
    )
    command.add_argument(
        "--timeout", type=_seconds, default=judge.TIMEOUT, metavar="S", help="seconds for each regression (%(default)s)"
    )
    command.add_argument(
        "--json", type=Path, metavar="FILE", help="write the outcome to FILE as JSON, - for the terminal"
    )


def _judge(command: argparse.ArgumentParser) -> None:
    command.add_argument("--subject", required=True, metavar="PATH", help="the folder that contains utils/")
    command.add_argument("--python", metavar="EXE", help="the subject's own interpreter")
    command.add_argument("--expect", type=Path, metavar="FILE", help="known failures; any difference from them is red")
    command.add_argument("--write-expect", type=Path, metavar="FILE", help="write the failures found as known ones")


def _ledger(command: argparse.ArgumentParser) -> None:
    command.add_argument("--write", action="store_true", help="render AUDIT.md instead of checking it")
    command.add_argument(
        "--merge",
        nargs="+",
        type=Path,
        metavar="FOLDER",
        help="take in the evidence found below these folders; fail where what was claimed is not proved there",
    )
    command.add_argument(
        "--unchecked",
        nargs="+",
        default=[],
        metavar="PLATFORM",
        help="with --merge: platforms whose claims other machines check, windows-wine for one",
    )


def _fuzz(command: argparse.ArgumentParser) -> None:
    command.add_argument("--time", default="60s", metavar="T", help="how long to search: 90s, 10m, 2h (%(default)s)")
    command.add_argument(
        "--profile",
        choices=search.PROFILES,
        default=search.DEEP,
        help="quick and teeth: each fuzzer once, as in the tests or with its whole budget; deep: more each round",
    )
    command.add_argument(
        "--guided",
        nargs="+",
        metavar="TARGET",
        help="search a parser guided by its coverage: a folder of fuzz/corpora, or all (Linux on x86-64 alone)",
    )
    command.add_argument("--teeth", action="store_true", help="prove that each fuzzer finds the variants it guards")
    command.add_argument("--only", nargs="+", action="extend", metavar="NAME", default=[], help="only these fuzzers")


def _mutants(command: argparse.ArgumentParser) -> None:
    command.add_argument("areas", nargs="*", metavar="AREA", help="tables of mutants/areas.toml; by default all")
    command.add_argument("--all", action="store_true", help="try every mutant again, whatever was found before")
    command.add_argument(
        "--every",
        type=int,
        choices=sorted(mutants.SAMPLES),
        default=1,
        metavar="N",
        help="try every Nth mutant of each function: 2, 5 or 10",
    )
    command.add_argument("--workers", type=int, metavar="N", help="how many are tried at once (all processors)")
    command.add_argument("--report", type=Path, metavar="FILE", help="write the report here (.mutants/report.md)")


def _prove(command: argparse.ArgumentParser) -> None:
    command.add_argument("--all", action="store_true", help="judge everything again, whatever was judged before")
    command.add_argument("--no-fuzz", action="store_true", help="leave out the fuzzers that guard the findings")


def _promote(command: argparse.ArgumentParser) -> None:
    command.add_argument("failure", type=Path, metavar="FAILURE", help="a file that a fuzzer kept in .fuzz/")
    command.add_argument("--name", help="name of the case, words with hyphens")


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError("must be a number of seconds above 0")
    return seconds


COMMANDS: dict[str, tuple[str, tuple[Callable[[argparse.ArgumentParser], None], ...]]] = {
    "judge": ("run the regressions on a tree that has a utils/ package", (_common, _judge)),
    "prove": (
        "apply every variant to the reference, judge it, let the fuzzers find it, and render AUDIT.md",
        (_common, _prove),
    ),
    "ledger": ("check that AUDIT.md is what register, code and evidence say", (_ledger,)),
    "fuzz": ("search for defects until the time is up, or prove that the fuzzers find the audited ones", (_fuzz,)),
    "promote": ("turn a failure that a fuzzer kept into a permanent case", (_promote,)),
    "mutants": ("make small changes to the sources and list those that no test notices", (_mutants,)),
}
"""Each command: what it does, and what adds its arguments."""
