"""Services of tests, each in a process of its own.

A service is what `samehour serve` is, with the same options, signals and exit codes.  Only how its
process begins differs: it is forked from one that has imported everything, which saves most of the
start.  That the command itself starts from nothing is for the tests of the demo and the front door.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import samehour

TESTS = Path(__file__).resolve().parent

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["warmed"])


class Served:
    """`samehour` with some arguments, running in a folder; behaves like a `Popen`."""

    def __init__(
        self,
        arguments: Sequence[str],
        folder: Path,
        log: Path,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        wanted = {**os.environ, **(environ or {})}
        # The process that is forked from is started with the first service, and finds our tests.
        known = os.environ.get("PYTHONPATH")
        paths = [str(TESTS), str(TESTS.parent), *([known] if known else [])]
        os.environ["PYTHONPATH"] = os.pathsep.join(paths)
        try:
            self._process = _CONTEXT.Process(
                target=_run, args=(list(arguments), str(folder), str(log), wanted)
            )
            self._process.start()
            # A fixture that fails halfway stops nothing, and tests would wait for it for ever.
            atexit.register(self._process.kill)
        finally:
            if known is None:
                del os.environ["PYTHONPATH"]
            else:
                os.environ["PYTHONPATH"] = known

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float) -> int:
        self._process.join(timeout)
        code = self._process.exitcode
        if code is None:
            raise subprocess.TimeoutExpired("samehour", timeout)
        return code

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def terminate(self) -> None:
        self._process.terminate()


def _run(arguments: list[str], folder: str, log: str, environ: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environ)
    os.chdir(folder)
    with open(log, "a", buffering=1) as written:  # noqa: PTH123  its number is what is wanted
        os.dup2(written.fileno(), 1)
        os.dup2(written.fileno(), 2)
    code = samehour.main(arguments)
    sys.stdout.flush()
    sys.stderr.flush()
    sys.exit(code)
