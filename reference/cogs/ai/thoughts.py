"""Leaves out what a reasoning model thinks aloud: many that run on one's own machine begin with `<think>…</think>`."""

from __future__ import annotations

__all__ = ["ThoughtFilter"]

OPEN = "<think>"
CLOSE = "</think>"


class ThoughtFilter:
    """Takes the pieces of one answer, and gives what people are to see of them."""

    def __init__(self) -> None:
        self._kept = ""
        self._is_thinking = False
        self._is_past = False
        self._is_after_thought = False

    def feed(self, piece: str) -> str:
        """Return what there is to see after a piece; nothing while it may be a thought, or is one."""
        if self._is_past:
            return self._seen(piece)
        self._kept += piece
        if not self._is_thinking:
            begin = self._kept.lstrip()
            if OPEN.startswith(begin[: len(OPEN)]) and len(begin) < len(OPEN):
                return ""
            self._is_thinking = begin.startswith(OPEN)
        return self._thought() if self._is_thinking else self._end(self._kept)

    def finish(self) -> str:
        """Return what was kept back at the end, where it turned out to be no thought."""
        return "" if self._is_thinking else self._end(self._kept)

    def _thought(self) -> str:
        place = self._kept.find(CLOSE)
        if place >= 0:
            self._is_after_thought = True
            return self._end(self._kept[place + len(CLOSE) :])
        self._kept = self._kept[-len(CLOSE) :]
        return ""

    def _end(self, rest: str) -> str:
        self._is_past, self._is_thinking, self._kept = True, False, ""
        return self._seen(rest)

    def _seen(self, piece: str) -> str:
        """Return a piece without the blanks that separate an answer from the thought before it."""
        if self._is_after_thought:
            piece = piece.lstrip()
            self._is_after_thought = not piece
        return piece
