"""How a service runs: on one address, until it is interrupted or told to end, with one sentence where it cannot."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Service", "end_gently"]

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Service:
    """A service that can be run as a command.

    Attributes:
        name: as a person calls it.
        module: what is run, as in ``python -m reference.services.health``.
        port: where it listens unless the command line says otherwise.
        app_for: makes the application that is to be served at a host; raises ValueError where that must not be.
    """

    name: str
    module: str
    port: int
    app_for: Callable[[str], web.Application]

    def main(self, arguments: Sequence[str] | None = None) -> int:
        """Run until interrupted; return the exit code.

        Args:
            arguments: of the command line; those of the process by default.
        """
        parser = argparse.ArgumentParser(prog=f"python -m {self.module}", description=f"The {self.name}.")
        parser.add_argument("--host", default=HOST, help=f"address to listen at (default {HOST}: this machine only)")
        ports = f"port to listen at (default {self.port}; 0: any free one)"
        parser.add_argument("--port", type=int, default=self.port, help=ports)
        chosen = parser.parse_args(arguments)
        try:
            with suppress(KeyboardInterrupt):
                asyncio.run(self.serve(chosen.host, chosen.port))
        except (OSError, OverflowError, ValueError) as error:
            sys.stderr.write(f"{self.name}: cannot listen at {chosen.host} port {chosen.port}: {error}\n")
            return 1
        return 0

    async def serve(self, host: str, port: int) -> None:
        """Answer requests until the task is cancelled; says where on standard output.

        Args:
            host: an address of this machine.
            port: 0 lets the operating system choose.

        Raises:
            OSError: the port is taken, or the address is not of this machine.
            ValueError: the service must not be served at that host.
        """
        runner = web.AppRunner(self.app_for(host), access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port, reuse_address=sys.platform != "win32").start()
            address, chosen, *_ = runner.addresses[0]
            where = f"[{address}]" if ":" in address else address
            print(f"{self.name}: http://{where}:{chosen}", flush=True)  # noqa: T201  a command speaks
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()


def end_gently() -> None:
    """Let the signals that end a service do what Ctrl+C does: answer what is under way, then leave."""
    for name in ("SIGTERM", "SIGBREAK"):
        if number := getattr(signal, name, None):
            signal.signal(number, signal.default_int_handler)
