"""What the terminal shows of a search: a line for each fuzzer, what is new at once, and the sum at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness import report

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from rich.console import Console

    from harness.project import Project
    from harness.search import Found

TOLD_FILES = 5
"""Of so many files it is told at the end how much of them was reached."""


class SearchScreen:
    """Shows a search.

    Args:
        project: whose fuzzers search.
        screen: takes the lines.
        errors: takes the bar, where it is a terminal.
        limit: seconds that the search has.
        program: how the process was called, for the commands that are advised.
    """

    def __init__(self, project: Project, screen: Console, errors: Console, limit: float, program: str) -> None:
        self._project = project
        self._program = program
        self._screen = screen
        self._bar = report.progress(errors)
        self._task = self._bar.add_task("searching", total=round(limit))
        self._told: set[str] = set()

    def __enter__(self) -> Self:
        """Show the bar."""
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the bar away."""
        self._bar.stop()

    def tick(self, name: str, found: Found) -> None:
        """Show where the search is, and what is new."""
        text = f"{name}: {found.examples} examples, {found.rate:.0f} a second, {found.reached} lines"
        self._bar.update(self._task, completed=round(found.took), description=text)
        self._tell_new(found)

    def step(self, name: str, found: Found) -> None:
        """Show what a fuzzer came to."""
        self._screen.print(
            f"{found.took:6.0f} s  round {found.rounds}  {name:<22} {found.examples} examples, "
            f"{found.rate:.0f} a second, {found.reached} lines (+{found.growth}), {len(found.failures)} new",
            markup=False,
        )
        self.tick(name, found)

    def end(self, found: Found) -> None:
        """Show the sum."""
        self._tell_new(found)
        for path in found.again:
            self._screen.print(f"known and not mended: {self._name(path)}", markup=False)
        largest = sorted(found.lines.items(), key=lambda entry: -len(entry[1]))[:TOLD_FILES]
        if largest:
            listed = ", ".join(f"{name} {len(lines)}" for name, lines in largest)
            self._screen.print(
                f"{found.reached} lines of {len(found.lines)} files were reached: {listed}", markup=False
            )
        if found.is_interrupted:
            self._screen.print("stopped; what was found is kept in .fuzz/", markup=False)

    def _tell_new(self, found: Found) -> None:
        for name in map(self._name, found.failures):
            if name not in self._told:
                self._told.add(name)
                self._screen.print(f"new: {name}; keep it with `{self._program} promote {name}`", markup=False)

    def _name(self, path: object) -> str:
        return str(path).replace("\\", "/").removeprefix(self._project.root.as_posix() + "/")
