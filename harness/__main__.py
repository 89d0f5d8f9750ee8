"""The command line: ``python -m harness {judge,prove,ledger,fuzz,promote,mutants}``."""

from __future__ import annotations

import io
import json
import os
import signal
import sys
import traceback
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from harness import (
    evidence,
    expectations,
    fuzzers,
    guided,
    judge,
    ledger,
    merge,
    mutants,
    mutants_report,
    promote,
    prove,
    register,
    report,
    runner,
    search,
    subject,
    survivors,
    teeth,
)
from harness.arguments import PROGRAM, Exit, parser
from harness.project import Project
from harness.search_screen import SearchScreen

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from rich.console import Console
    from rich.progress import Progress

    from harness.fuzzers import Fuzzer
    from harness.register import Finding, Register


class UsageError(ValueError):
    """What the person asked for cannot be done; the text says what to do instead."""


class BrokenError(RuntimeError):
    """The harness's own files cannot be used; the text says which."""


def main(arguments: Sequence[str] | None = None, program: str = PROGRAM) -> int:
    """Run a command; return its exit code.

    Args:
        arguments: the command's words; those that the process was started with by default.
        program: how the process was called.
    """
    options = parser(program).parse_args(arguments)
    screen, errors = report.console(), report.console(errors=True)
    try:
        return int(COMMANDS[options.command](options, screen, errors))
    except (
        UsageError,
        subject.SubjectError,
        runner.InterpreterError,
        expectations.ExpectationError,
        promote.PromoteError,
        guided.GuidedError,
        mutants.MutantsError,
    ) as error:
        return _say(errors, Exit.USAGE, str(error))
    except (
        BrokenError,
        register.RegisterError,
        evidence.EvidenceError,
        fuzzers.TeethError,
        search.SearchError,
    ) as error:
        return _say(errors, Exit.BROKEN, str(error))
    except KeyboardInterrupt:
        return _say(errors, Exit.INTERRUPTED, "stopped; nothing was written")
    except Exception:  # noqa: BLE001  the last resort: name it, and exit with the code that says so
        return _say(errors, Exit.BROKEN, f"the harness has a fault of its own:\n{traceback.format_exc()}")


def _say(errors: Console, code: Exit, text: str) -> int:
    errors.print(text, markup=False)
    return int(code)


def _chosen(findings: Register, wanted: list[str]) -> list[Finding]:
    unknown = [identity for identity in wanted if identity.upper() not in findings]
    if unknown:
        raise UsageError(f"{unknown[0]}: the register has no such finding; it has {', '.join(findings)}")
    names = {identity.upper() for identity in wanted}
    return [finding for finding in findings.values() if not names or finding.id in names]


def _judge(options: argparse.Namespace, screen: Console, errors: Console) -> Exit:
    project = Project(options.project.resolve())
    findings = register.load(project.register)
    chosen = _chosen(findings, options.finding)
    root = subject.locate(options.subject)
    python = runner.interpreter(options.python)
    known = expectations.load(options.expect, findings) if options.expect else {}
    for target in (options.json, options.write_expect):
        _check_writable(target)
    with report.progress(errors) as bar:
        task = bar.add_task("judging", total=sum(not finding.is_open for finding in chosen))
        judgement = judge.judge(
            project,
            chosen,
            root,
            python,
            timeout=options.timeout,
            on_verdict=lambda _finding, _verdict: bar.advance(task),
        )
    target = errors if _is_terminal(options.json) else screen
    report.show_judgement(target, judgement, findings)
    if missing := report.missing_modules(judgement):
        whose = "that of --python" if options.python else "the one of this program; --python names the tree's own"
        errors.print(f"not installed for the interpreter, {whose}: {', '.join(missing)}", markup=False)
    _write_json(options.json, judgement.as_json())
    if not judgement.ran:
        errors.print("nothing ran: no regression applies to this tree and this choice of findings")
        return Exit.NOTHING_RAN
    if options.write_expect:
        count = expectations.write(options.write_expect, judgement)
        errors.print(f"{options.write_expect}: {count} known failures written")
        return Exit.HELD
    if options.expect:
        surprises = judge.surprises(judgement, known)
        for surprise in surprises:
            errors.print(surprise, markup=False)
        return Exit.FAILED if surprises else Exit.HELD
    return Exit.FAILED if judgement.is_red else Exit.HELD


def _prove(options: argparse.Namespace, screen: Console, errors: Console) -> Exit:
    project = Project(options.project.resolve())
    findings = register.load(project.register)
    chosen = _chosen(findings, options.finding)
    if all(finding.is_open for finding in chosen):
        errors.print("nothing ran: every finding chosen is open")
        return Exit.NOTHING_RAN
    _check_writable(options.json)
    guarding = [] if options.no_fuzz else _guarding(project, chosen)
    python = runner.interpreter()
    errors.print("copying the reference for each variant; it takes some seconds")
    with report.progress(errors) as bar:
        follow = report.follower(bar, errors, "verdicts")
        proof = prove.prove(
            project,
            findings,
            chosen,
            python,
            afresh=options.all,
            timeout=options.timeout,
            on_step=lambda step: follow(step.done, step.total, step.label),
        )
        found = _try_teeth(project, guarding, python, bar, errors, afresh=options.all)
    written = [evidence.save(project.evidence, proof), *([teeth.save(project.teeth, found)] if guarding else [])]
    ledger.write(project, findings)
    target = errors if _is_terminal(options.json) else screen
    report.show_evidence(target, proof, findings)
    report.show_teeth(target, found)
    errors.print(f"written: {', '.join(_relative(path, project) for path in [*written, project.ledger])}")
    whole = json.loads(proof.model_dump_json(by_alias=True))
    _write_json(options.json, whole | {"fuzzers": found.model_dump(mode="json")["fuzzers"]})
    is_proved = all(row.is_proved for row in proof.findings.values()) and found.is_proved
    return Exit.HELD if is_proved else Exit.FAILED


def _guarding(project: Project, chosen: list[Finding]) -> list[Fuzzer]:
    found = fuzzers.guarding(project, {finding.id for finding in chosen if not finding.is_open})
    _check_hypothesis(found, "install the group `test`, or leave them out with --no-fuzz")
    return found


def _check_hypothesis(chosen: list[Fuzzer], advice: str) -> None:
    if chosen and find_spec("hypothesis") is None:
        raise UsageError(f"the fuzzers need hypothesis: {advice}")


def _try_teeth(
    project: Project, chosen: list[Fuzzer], python: runner.Interpreter, bar: Progress, errors: Console, *, afresh: bool
) -> teeth.Teeth:
    follow = report.follower(bar, errors, "verdicts of fuzzers")
    return teeth.try_all(
        project,
        chosen,
        python,
        afresh=afresh,
        on_step=lambda step: follow(step.done, step.total, f"{step.tree} by {step.fuzzer}"),
    )


def _fuzz(options: argparse.Namespace, screen: Console, errors: Console) -> Exit:
    project = Project(options.project.resolve())
    known = fuzzers.table(project.fuzz)
    if unknown := [name for name in options.only if name not in known]:
        raise UsageError(f"{unknown[0]}: there is no such fuzzer; there are {', '.join(known)}")
    chosen = [fuzzer for name, fuzzer in known.items() if not options.only or name in options.only]
    if options.guided:
        return _guide(project, options, screen)
    _check_hypothesis(chosen, "install the group `test`")
    if options.teeth:
        return _bite(project, chosen, screen, errors)
    return _search(project, chosen, options, screen, errors)


def _bite(project: Project, chosen: list[Fuzzer], screen: Console, errors: Console) -> Exit:
    guarding = [fuzzer for fuzzer in chosen if fuzzer.guards]
    if not guarding:
        errors.print("nothing ran: none of these fuzzers guards anything")
        return Exit.NOTHING_RAN

    with report.progress(errors) as bar:
        found = _try_teeth(project, guarding, runner.interpreter(), bar, errors, afresh=True)
    path = teeth.save(project.teeth, found)
    ledger.write(project, register.load(project.register))
    report.show_teeth(screen, found)
    errors.print(f"written: {_relative(path, project)}, {_relative(project.ledger, project)}")
    return Exit.HELD if found.is_proved else Exit.FAILED


def _guide(project: Project, options: argparse.Namespace, screen: Console) -> Exit:
    targets = guided.chosen(project, options.guided)
    share = _time(options.time) / len(targets)
    new: list[Path] = []
    for target in targets:
        try:
            new += guided.run(project, guided.Progress(target), share, partial(screen.print, markup=False))
        except KeyboardInterrupt:
            screen.print("stopped; what was found is kept in .fuzz/", markup=False)
            return Exit.INTERRUPTED
    for path in new:
        screen.print(f"new: {_relative(path, project)}", markup=False)
    return Exit.FAILED if new else Exit.HELD


def _time(text: str) -> float:
    try:
        return search.seconds(text)
    except ValueError as error:
        raise UsageError(str(error)) from None


def _search(
    project: Project, chosen: list[Fuzzer], options: argparse.Namespace, screen: Console, errors: Console
) -> Exit:
    limit = _time(options.time)
    with SearchScreen(project, screen, errors, limit, options.program) as shown:
        found = search.search(project, chosen, limit, shown.step, profile=options.profile, on_tick=shown.tick)
        shown.end(found)
    if found.is_interrupted:
        return Exit.INTERRUPTED
    if found.failures or found.again:
        return Exit.FAILED
    if not found.examples:
        errors.print("nothing ran: the time was up before an example was tried; give more with --time")
        return Exit.NOTHING_RAN
    return Exit.HELD


def _promote(options: argparse.Namespace, screen: Console, _errors: Console) -> Exit:
    name = promote.promote(Project(options.project.resolve()), options.failure, options.name)
    screen.print(f"fuzz/cases.toml: {name} is a case now", markup=False)
    return Exit.HELD


def _mutants(options: argparse.Namespace, screen: Console, errors: Console) -> Exit:
    project = Project(options.project.resolve())
    known, named = mutants.areas(project), survivors.load(project.mutants / "survivors.toml")
    if unknown := [name for name in options.areas if name not in known]:
        raise UsageError(f"{unknown[0]}: there is no such area; there are {', '.join(known)}")
    _check_writable(options.report)
    chosen, is_interrupted = options.areas or list(known), False
    with report.progress(errors) as bar:
        for name in chosen:
            try:
                mutants.run(
                    *(project, name, known[name]),
                    afresh=options.all,
                    every=options.every,
                    workers=options.workers,
                    on_step=mutants_report.follower(bar, errors, name),
                )
            except KeyboardInterrupt:
                is_interrupted = True
                break
    tallies = {name: survivors.tally(mutants.read(project, known[name], name), named) for name in known}
    tallies = {name: tally for name, tally in tallies.items() if name in chosen or tally.tried}
    mutants_report.show(screen, known, {name: tallies[name] for name in chosen})
    target = options.report or project.root / ".mutants" / "report.md"
    target.write_text(mutants_report.markdown(known, tallies), encoding="utf-8", newline="\n")
    if is_interrupted:
        errors.print("stopped; what was tried is kept, and the same command goes on from there")
        return Exit.INTERRUPTED
    if not any(tallies[name].tried for name in chosen):
        errors.print("nothing ran: these areas have no mutants")
        return Exit.NOTHING_RAN
    return Exit.HELD if all(mutants_report.is_held(known[name], tallies[name]) for name in chosen) else Exit.FAILED


def _ledger(options: argparse.Namespace, screen: Console, errors: Console) -> Exit:
    project = Project(options.project.resolve())
    findings = register.load(project.register)
    if options.merge:
        return _merge(project, findings, options, errors)
    if options.write:
        ledger.write(project, findings)
        screen.print(f"written: {project.ledger.name}")
        return Exit.HELD
    faults = ledger.check(project, findings)
    for fault in faults:
        errors.print(fault, markup=False)
    if not faults:
        screen.print(f"{project.ledger.name} is what the register, the code and the evidence say")
    return Exit.FAILED if faults else Exit.HELD


def _merge(project: Project, findings: Register, options: argparse.Namespace, errors: Console) -> Exit:
    fresh = merge.gather(options.merge)
    fresh_teeth = merge.gather_teeth(options.merge)
    faults = list(merge.unproved(project, findings, fresh, options.unchecked))
    faults += merge.toothless(project, fresh_teeth, options.unchecked)
    merge.take_in(project, fresh, fresh_teeth)
    ledger.write(project, findings)
    for fault in faults:
        errors.print(fault, markup=False)
    errors.print(f"taken in: {', '.join(sorted(item.tag for item in fresh))}; written: {project.ledger.name}")
    return Exit.FAILED if faults else Exit.HELD


COMMANDS = {
    "judge": _judge,
    "prove": _prove,
    "ledger": _ledger,
    "fuzz": _fuzz,
    "promote": _promote,
    "mutants": _mutants,
}


def _relative(path: Path, project: Project) -> str:
    return path.relative_to(project.results).as_posix()


def _is_terminal(target: Path | None) -> bool:
    return target is not None and str(target) == "-"


def _check_writable(target: Path | None) -> None:
    """Refuse a file that cannot be written before the work is done, not after."""
    if target is None or _is_terminal(target):
        return
    if target.is_dir() or not target.absolute().parent.is_dir() or not os.access(target.absolute().parent, os.W_OK):
        raise UsageError(f"{target}: cannot be written; name a file in a folder that exists")


def _write_json(target: Path | None, content: object) -> None:
    if target is None:
        return
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    if _is_terminal(target):
        sys.stdout.write(text)
    else:
        target.write_text(text, encoding="utf-8", newline="\n")


def run(program: str | None = None) -> NoReturn:
    """Run a command and exit with its code; the console script, which goes by its own name.

    Pipes get UTF-8, on Windows too.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main(program=program or Path(sys.argv[0]).stem))


if __name__ == "__main__":
    run(PROGRAM)
