"""What machine this is, in the words of the evidence: Windows under Wine is told from Windows.

Run as a script, it tells what the Python that runs it is; so any interpreter can be asked.
"""

from __future__ import annotations

import ctypes
import json
import sys

WINDOWS, WINE = "windows", "windows-wine"
WINE_EXPORTS = ("wine_get_version", "wine_get_host_version", "wine_nt_to_unix_file_name")
"""Functions of ntdll that only Wine has."""


def platform_name() -> str:
    """Name the platform: ``linux``, ``windows``, ``windows-wine`` and so on."""
    if sys.platform == "win32":
        return WINE if any(hasattr(ctypes.WinDLL("ntdll"), name) for name in WINE_EXPORTS) else WINDOWS
    return sys.platform


def is_wine() -> bool:
    """Tell whether this is a Windows Python that Wine runs."""
    return platform_name() == WINE


if __name__ == "__main__":
    print(json.dumps([sys.executable, list(sys.version_info[:2]), platform_name()]))  # noqa: T201  the answer
