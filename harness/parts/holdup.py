"""A thread that is held up in the midst of somebody's code, so that another one passes it there if anything lets it."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

T = TypeVar("T")


class HoldUp:
    """Stops one thread at the n-th moment of the code in question, until another thread has passed.

    A moment is a line of that code, or a Python function that it calls: where the interpreter may change threads.

    Attributes:
        reached: whether the thread came to that moment.
    """

    def __init__(self, owns: Callable[[str], bool], moment: int, patience: float) -> None:
        """Describe the moment.

        Args:
            owns: tells whether a source file is the code in question.
            moment: its number, from 1.
            patience: seconds that the other thread gets; it may be kept out, which is as it should be.
        """
        self.reached = False
        self._owns = owns
        self._left = moment
        self._patience = patience
        self._there = threading.Event()
        self._passed = threading.Event()

    def slow(self, work: Callable[[], T]) -> T:
        """Do ``work`` in this thread, held up at the moment."""
        before = sys.gettrace()
        sys.settrace(self._trace)
        try:
            return work()
        finally:
            sys.settrace(before)
            self._there.set()

    def quick(self, work: Callable[[], T]) -> T:
        """Do ``work`` in this thread, once the other one is held up or done."""
        self._there.wait()
        try:
            return work()
        finally:
            self._passed.set()

    def _trace(self, frame: FrameType, event: str, _: Any) -> Any:
        if event == "line" or (frame.f_back is not None and self._is_ours(frame.f_back)):
            self._moment()
        return self._trace if self._is_ours(frame) else None

    def _is_ours(self, frame: FrameType) -> bool:
        return self._owns(frame.f_code.co_filename)

    def _moment(self) -> None:
        self._left -= 1
        if self._left == 0:
            self.reached = True
            self._there.set()
            self._passed.wait(self._patience)
