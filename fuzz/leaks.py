"""What a process holds, for the fuzzers that look between their examples; the oracle itself is `harness.leaks`."""

from harness.holdings import Holdings, left_behind

__all__ = ["Holdings", "left_behind"]
