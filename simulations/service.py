"""The service as a process of its own, started, awaited and stopped by the demo."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from simulations.client import http_client
from simulations.errors import ServiceError

_START_LIMIT_S: Final = 300.0
"""On a new machine the service compiles for a minute, on a slow or busy one for some."""

_STOP_LIMIT_S: Final = 8.0
_LOOK_EVERY_S: Final = 0.05
_LAST_LINES: Final = 8
_HOST: Final = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class ServiceOptions:
    """What the service is told on its command line.

    Attributes
    ----------
    folder
        Where its log lives, and its ledger where no other is named.
    ledger
        A database URL instead of a file there.
    policy
        A TOML file.
    webhook_allow
        A host and port that webhooks may call although it is not public.
    """

    city: str
    folder: Path
    port: int
    clock_start: str
    speed: float
    seed: int
    ledger: str | None = None
    policy: Path | None = None
    webhook_allow: str | None = None


class ServiceProcess:
    """`samehour serve` in a process, its words in `service.log`.

    Raises
    ------
    ServiceError
        The process could not be started.
    """

    def __init__(self, options: ServiceOptions) -> None:
        self._log_path = options.folder / "service.log"
        self._port_path = options.folder / "port"
        self._port_path.unlink(missing_ok=True)
        with self._log_path.open("wb") as log:
            try:
                self._process = subprocess.Popen(  # noqa: S603 - our own command line
                    _command(options, self._port_path),
                    # Never written to: it ends with us, however we end, and the service with it.
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=environment(),
                    # A group of its own: Ctrl-C reaches us, and we stop it when we are done.
                    start_new_session=True,
                )
            except OSError as error:
                raise ServiceError(f"the service cannot be started: {error.strerror}") from error

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    async def ready(self, is_stopping: Callable[[], bool], api_key: str | None) -> str | None:
        """Return the service's address once it answers, or None when we are to stop.

        Raises
        ------
        ServiceError
            It died, or did not get ready in time.
        """
        give_up_at = time.monotonic() + _START_LIMIT_S
        while not is_stopping():
            if not self.is_alive:
                raise ServiceError(self.last_words("the service did not start"))
            if time.monotonic() > give_up_at:
                late = f"the service was not ready within {_START_LIMIT_S:.0f} s"
                raise ServiceError(self.last_words(late))
            port = self._port()
            if port is not None:
                address = f"http://{_HOST}:{port}"
                async with http_client(address, api_key) as http:
                    if await _is_ready(http):
                        return address
            await asyncio.sleep(_LOOK_EVERY_S)
        return None

    def last_words(self, what: str) -> str:
        """Return a sentence with the end of the service's log."""
        with self._log_path.open(encoding="utf-8", errors="replace") as log:
            lines = deque((line.rstrip() for line in log if line.strip()), maxlen=_LAST_LINES)
        code = self._process.poll()
        ended = "" if code is None else f" (exit code {code})"
        listed = "".join(f"\n  {line}" for line in lines) or "\n  (it said nothing)"
        return f"{what}{ended}; the end of {self._log_path}:{listed}"

    def stop(self) -> None:
        """End the process: gently, then not."""
        if self.is_alive:
            self._process.terminate()
        try:
            self._process.wait(_STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._port_path.unlink(missing_ok=True)

    def _port(self) -> int | None:
        try:
            return int(self._port_path.read_text(encoding="ascii"))
        except (FileNotFoundError, ValueError):
            return None


async def _is_ready(http: httpx.AsyncClient) -> bool:
    try:
        return (await http.get("/readyz")).is_success
    except httpx.TransportError:
        return False


def _command(options: ServiceOptions, port_path: Path) -> list[str]:
    # -P: the folder we are in may hold an `api` or a `geo` of somebody else.
    return [
        *(sys.executable, "-P", "-m", "samehour", "serve"),
        *("--city", options.city),
        *("--ledger", options.ledger or str(options.folder / "ledger.db")),
        *(() if options.policy is None else ("--policy", str(options.policy))),
        *(() if options.webhook_allow is None else ("--webhook-allow", options.webhook_allow)),
        *("--host", _HOST),
        *("--port", str(options.port)),
        *("--port-file", str(port_path)),
        "--stop-with-stdin",
        *("--clock-start", options.clock_start),
        *("--speed", f"{options.speed:g}"),
        *("--seed", str(options.seed)),
    ]


def environment() -> dict[str, str]:
    """Return the environment of a process of ours: it finds our own source tree."""
    environment = dict(os.environ)
    root = Path(__file__).resolve().parent.parent
    if (root / "pyproject.toml").is_file():
        # Run from a source tree, installed or not.
        known = environment.get("PYTHONPATH")
        environment["PYTHONPATH"] = f"{root}{os.pathsep}{known}" if known else str(root)
    return environment
