"""Guided by coverage: atheris looks for bytes that reach something new in a parser, or break what must hold of it.

``python -m fuzz.guided json --corpus FOLDER ... --failures FOLDER`` is a process of its own, since libFuzzer ends the
one it runs in. Atheris has wheels for Linux on x86-64 alone; the exit code `ABSENT` says that it is not there. What was
found is kept as a failure, made smaller, before the process ends. ``--minimise`` leaves in the first folder the
shortest inputs that are needed to reach all that those of any folder reach; it needs no atheris.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from harness.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    Check = Callable[[Subject, bytes], None]
    Step = tuple[str, int, int]

ABSENT = 64
"""Exit code where atheris is not installed."""

TESTED = ("test_corpora.py", "test_any_bytes")
"""The test that runs a failure again."""

PACKAGES = ("utils", "localdiscord", "harness")
"""Whose lines count where a corpus is minimised."""

GUIDES = ("utils", "harness.patch", "harness.register", "localdiscord.rest.forms", "localdiscord.gateway.protocol")
"""Whose branches guide the search."""

LARGEST_CORPUS = 4 * 1024
"""Bytes that a corpus in the tree may have."""

SLOWEST, MOST_MEMORY, LONGEST = 20, 2048, 4096
"""Seconds that one input may take, megabytes that the process may take, bytes that an input may have."""


def main(arguments: list[str] | None = None) -> int:
    """Search or minimise; a search does not return where atheris is there."""
    parser = argparse.ArgumentParser(prog="python -m fuzz.guided")
    parser.add_argument("target")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--subject", type=Path, default=Path("reference"))
    parser.add_argument("--corpus", type=Path, nargs="+", required=True, help="the first one takes what is new")
    parser.add_argument("--failures", type=Path, default=Path(".fuzz"))
    parser.add_argument("--minimise", action="store_true", help="leave in the first corpus what is needed of all")
    options = parser.parse_args(arguments)
    if options.minimise:
        return _minimise(options)
    if find_spec("atheris") is None:
        sys.stderr.write("atheris is not installed; it has wheels for Linux on x86-64: pip install atheris\n")
        return ABSENT
    return _search(options)


def _search(options: argparse.Namespace) -> NoReturn:
    import atheris  # type: ignore[import-untyped,unused-ignore]  # noqa: PLC0415  not everywhere

    subject = _opened(options.subject)  # first, so that imports are watched before the tree's own way of finding them
    with atheris.instrument_imports(include=list(GUIDES)):
        check = _target(subject, options.target)

    def one(data: bytes) -> None:
        try:
            check(subject, data)
        except Exception as error:
            kind = type(error)
            keep(options, smallest(lambda less: type(_broken_by(check, subject, less)) is kind, data), error)
            raise

    inputs = options.failures / "inputs"
    inputs.mkdir(parents=True, exist_ok=True)
    limits = [f"-max_total_time={options.seconds}", f"-timeout={SLOWEST}", f"-rss_limit_mb={MOST_MEMORY}"]
    places = [f"-artifact_prefix={inputs / options.target}-", *map(str, options.corpus)]
    atheris.Setup([sys.argv[0], *limits, f"-max_len={LONGEST}", *places], one)
    atheris.Fuzz()
    raise SystemExit(0)


def _opened(root: Path) -> Subject:
    subject = Subject(root.resolve())
    subject.open()
    return subject


def _target(subject: Subject, name: str) -> Check:
    """Import a target and all that it needs of the tree."""
    from fuzz.targets import TARGETS  # noqa: PLC0415  imported where imports are watched

    _broken_by(TARGETS[name], subject, b"")
    return TARGETS[name]


def _broken_by(check: Check, subject: Subject, data: bytes) -> BaseException | None:
    try:
        check(subject, data)
    except Exception as error:  # noqa: BLE001  whatever it is, it is what is looked for
        return error
    return None


def keep(options: argparse.Namespace, data: bytes, error: BaseException) -> None:
    """Keep a failure, so that it can be promoted."""
    from fuzz import cases  # noqa: PLC0415  not to be watched

    arguments: dict[str, Any] = {"target": options.target, "content": data}
    kept = cases.keep(options.failures, cases.failure_of(*TESTED, arguments, error))
    sys.stderr.write(f"kept: {kept.name}\n")


def smallest(breaks: Callable[[bytes], bool], data: bytes) -> bytes:
    """Leave out of an input whatever it breaks without, parts of half its length first, then shorter ones."""
    size = len(data) // 2
    while size:
        start = 0
        while start < len(data):
            less = data[:start] + data[start + size :]
            if breaks(less):
                data = less
            else:
                start += size
        size //= 2
    return data


def _minimise(options: argparse.Namespace) -> int:
    subject = _opened(options.subject)
    check = _target(subject, options.target)
    inputs = {file.read_bytes() for folder in options.corpus for file in folder.iterdir()}
    reached: set[Step] = set()
    kept: list[bytes] = []
    for data in sorted(inputs, key=lambda data: (len(data), data)):
        steps = steps_of(partial(_broken_by, check, subject, data))
        if steps - reached and sum(map(len, kept)) + len(data) <= LARGEST_CORPUS:
            reached |= steps
            kept.append(data)
    for file in options.corpus[0].iterdir():
        file.unlink()
    for data in kept:
        (options.corpus[0] / hashlib.sha256(data).hexdigest()[:8]).write_bytes(data)
    sys.stdout.write(f"{options.target}: {len(kept)} of {len(inputs)} inputs, {sum(map(len, kept))} bytes\n")
    return 0


def steps_of(call: Callable[[], object]) -> set[Step]:
    """Return which line followed which, by function, while something was called; in `PACKAGES` alone."""
    found: set[Step] = set()

    def enter(frame: FrameType, _event: str, _argument: object) -> Any:
        if str(frame.f_globals.get("__name__")).split(".")[0] not in PACKAGES:
            return None
        before = [0]

        def follow(inner: FrameType, event: str, _argument: object) -> Any:
            if event == "line":
                found.add((inner.f_code.co_qualname, before[0], inner.f_lineno))
                before[0] = inner.f_lineno
            return follow

        return follow

    earlier = sys.gettrace()
    sys.settrace(enter)
    try:
        call()
    finally:
        sys.settrace(earlier)
    return found


if __name__ == "__main__":
    raise SystemExit(main())
