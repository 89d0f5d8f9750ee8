"""Verdicts kept between runs: a verdict stands for every tree that agrees in what was read of it.

A worker notes which files and folders of the tree it read. The verdict is a function of those,
of the regression or fuzzer, the machinery and the environment; a tree that differs elsewhere needs no run of its own.
"""

from __future__ import annotations

import json
import threading
from dataclasses import asdict
from importlib import metadata
from typing import TYPE_CHECKING, Any

from harness import fingerprint
from harness.runner import WHOLE_TREE, Verdict
from harness.status import Status

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness.project import Project
    from harness.runner import Interpreter

ABSENT = "absent"
KEPT = frozenset({Status.PASS, Status.FAIL, Status.NOT_APPLICABLE})
"""Statuses that another run would repeat; a hang, a crash or an error may be the machine's."""

LONGEST = 200
"""Entries kept for a regression or fuzzer, the newest first."""

TreeState = dict[str, str]


def tree_state(root: Path) -> TreeState:
    """Hash every file of a tree, every folder's list of names, and the tree as a whole."""
    state: TreeState = {}
    for path in sorted(root.rglob("*")):
        if "__pycache__" in path.parts:
            continue
        if path.is_dir():
            state[path.relative_to(root).as_posix() + "/"] = _listing(path)
        else:
            state[path.relative_to(root).as_posix()] = fingerprint.of_files(root, [path])
    state["./"] = _listing(root)
    state[WHOLE_TREE] = fingerprint.digest((name, value.encode()) for name, value in state.items())
    return state


def _listing(folder: Path) -> str:
    names = sorted(path.name for path in folder.iterdir() if path.name != "__pycache__")
    return fingerprint.digest([("names", "\n".join(names).encode())])


class VerdictCache:
    """Verdicts on disk, a file of entries for each judge: a finding's regression, or a fuzzer.

    Args:
        project: where the cache is kept.
        python: the interpreter that the verdicts hold for.
        hash_of: gives the hash of a judge's sources by its name.
        remembers: whether entries of earlier runs count; they are added to either way.
    """

    def __init__(
        self, project: Project, python: Interpreter, hash_of: Callable[[str], str], *, remembers: bool = True
    ) -> None:
        """Open the cache of one environment."""
        installed = sorted({f"{item.name}=={item.version}" for item in metadata.distributions()})
        self._environment = "\n".join([python.tag, python.path, *installed])
        self._hash_of = hash_of
        self._folder = project.cache / python.tag
        self._remembers = remembers
        self._entries: dict[str, list[dict[str, object]]] = {}
        self._bases: dict[str, str] = {}
        self._lock = threading.Lock()

    def get(self, judge: str, tree: TreeState) -> Verdict | None:
        """Return the verdict of an earlier run that read the same of its tree, or None."""
        base = self._base(judge)
        with self._lock:
            for entry in self._of(judge):
                read = entry["read"]
                if entry["base"] == base and isinstance(read, dict) and _agrees(read, tree):
                    return _verdict(entry["verdict"])
        return None

    def put(self, judge: str, tree: TreeState, verdict: Verdict) -> None:
        """Keep a verdict, if another run would repeat it."""
        if verdict.status not in KEPT:
            return
        base = self._base(judge)
        read = {name: tree.get(name, ABSENT) for name in verdict.touched}
        entry: dict[str, object] = {"base": base, "read": read, "verdict": asdict(verdict)}
        with self._lock:
            entries = [entry, *self._of(judge)][:LONGEST]
            self._entries[judge] = entries
            self._folder.mkdir(parents=True, exist_ok=True)
            target = self._file(judge)
            beside = target.with_suffix(".new")
            beside.write_text(json.dumps(entries), encoding="utf-8")
            beside.replace(target)

    def _base(self, judge: str) -> str:
        """Hash what the judge's verdicts rest on besides the tree, as it was at the first use."""
        if judge not in self._bases:
            self._bases[judge] = fingerprint.of_run(self._hash_of(judge), self._environment)
        return self._bases[judge]

    def _of(self, judge: str) -> list[dict[str, object]]:
        if judge not in self._entries:
            self._entries[judge] = self._load(judge) if self._remembers else []
        return self._entries[judge]

    def _load(self, judge: str) -> list[dict[str, object]]:
        try:
            entries = json.loads(self._file(judge).read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return []
        return [entry for entry in entries if _is_entry(entry)] if isinstance(entries, list) else []

    def _file(self, judge: str) -> Path:
        return self._folder / f"{judge}.json"


def _is_entry(entry: object) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("read"), dict) and {"base", "verdict"} <= entry.keys()


def _agrees(read: dict[str, str], tree: TreeState) -> bool:
    return all(tree.get(name, ABSENT) == value for name, value in read.items())


def _verdict(stored: object) -> Verdict | None:
    """Return the verdict that was stored; None where something else was."""
    try:
        found: dict[str, Any] = {**stored}  # type: ignore[dict-item]  # a TypeError where it is no object
        texts = {name: tuple(map(str, found[name])) for name in ("touched", "notes")}
        return Verdict(**{**found, **texts, "status": Status(found["status"])})
    except (KeyError, TypeError, ValueError):
        return None
