"""What the program says on the terminal: a line for each step, in colours where somebody sees them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from .utils.media.colors import Colors, enable_windows_ansi

if TYPE_CHECKING:
    from typing import TextIO

__all__ = ["Terminal"]

MARKS = {"ok": ("✓", "+", Colors.GREEN), "note": ("·", "-", Colors.GRAY), "warn": ("!", "!", Colors.YELLOW)}
MARKS["fail"] = ("✗", "x", Colors.RED)
WIDTH = 14


class Terminal:
    """Writes lines for people.

    Args:
        stream: where to; standard output by default.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stdout if stream is None else stream
        enable_windows_ansi()

    @property
    def is_interactive(self) -> bool:
        """Whether somebody can be asked."""
        return self._stream.isatty() and sys.stdin is not None and sys.stdin.isatty()

    def title(self, text: str) -> None:
        """Write a headline."""
        self.line(Colors.paint(text, Colors.BOLD, stream=self._stream))

    def ok(self, name: str, text: str) -> None:
        """Tell that something is done, or as it should be."""
        self._marked("ok", name, text)

    def note(self, name: str, text: str) -> None:
        """Tell something that is good to know."""
        self._marked("note", name, text)

    def warn(self, name: str, text: str) -> None:
        """Tell of something that somebody should look at."""
        self._marked("warn", name, text)

    def fail(self, name: str, text: str) -> None:
        """Tell of something that keeps the program from going on."""
        self._marked("fail", name, text)

    def line(self, text: str = "") -> None:
        """Write a line; what the terminal's encoding lacks is replaced."""
        encoding = self._stream.encoding or "utf-8"
        self._stream.write(text.encode(encoding, "replace").decode(encoding) + "\n")
        self._stream.flush()

    def ask(self, question: str) -> bool:
        """Ask a question that only "yes" answers with yes; nobody there means no."""
        if not self.is_interactive:
            return False
        self._stream.write(f"{question} [y/N] ")
        self._stream.flush()
        return sys.stdin.readline().strip().lower() in {"y", "yes"}

    def _marked(self, kind: str, name: str, text: str) -> None:
        mark, plain, color = MARKS[kind]
        first, *more = text.splitlines() or [""]
        shown = Colors.paint(mark if self._can_show(mark) else plain, color, stream=self._stream)
        self.line(f"  {shown} {name:<{WIDTH}} {first}")
        for line in more:
            self.line(f"    {'':<{WIDTH}} {line}")

    def _can_show(self, text: str) -> bool:
        try:
            text.encode(self._stream.encoding or "utf-8")
        except UnicodeEncodeError:
            return False
        return True
