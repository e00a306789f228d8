"""Services and commands of tests, each in a process of its own.

A service is what `samehour serve` is, with the same options, signals and exit codes.  Only how its
process begins differs: it is forked from one that has imported everything, and so are its planners
and its solver, which saves most of the start.  That the command itself starts from nothing is for
the tests of the demo and the front door.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from multiprocessing import forkserver, resource_tracker
from pathlib import Path
from typing import Any

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
        errors: Path | None = None,
    ) -> None:
        wanted = {**os.environ, **(environ or {})}
        # The process that is forked from is started with the first service, and finds our tests.
        known = os.environ.get("PYTHONPATH")
        paths = [str(TESTS), str(TESTS.parent), *([known] if known else [])]
        os.environ["PYTHONPATH"] = os.pathsep.join(paths)
        try:
            self._process = _CONTEXT.Process(
                target=_run,
                args=(list(arguments), str(folder), str(log), str(errors or log), wanted),
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


def ran(
    arguments: Sequence[str],
    folder: Path,
    environ: Mapping[str, str] | None = None,
    timeout: float = 120,
) -> subprocess.CompletedProcess[str]:
    """Run `samehour` with some arguments to its end; returns what it printed."""
    with tempfile.TemporaryDirectory() as kept:
        output, errors = Path(kept, "output"), Path(kept, "errors")
        code = Served(arguments, folder, output, environ, errors).wait(timeout)
        return subprocess.CompletedProcess(
            ["samehour", *arguments], code, output.read_text(), errors.read_text()
        )


def _run(arguments: list[str], folder: str, log: str, errors: str, environ: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environ)
    os.chdir(folder)
    for number, name in ((1, log), (2, errors)):
        with open(name, "a", buffering=1) as written:  # noqa: PTH123  its number is what is wanted
            os.dup2(written.fileno(), number)
    _fork_what_would_be_spawned()
    code = samehour.main(arguments)
    sys.stdout.flush()
    sys.stderr.flush()
    sys.exit(code)


def _fork_what_would_be_spawned() -> None:
    """Let this process's own processes be forked from the one that it was itself forked from.

    Python has told this process where that one listens, but would start another one all the same.
    """
    spawned, forked = (
        multiprocessing.get_context("spawn"),
        multiprocessing.get_context("forkserver"),
    )
    server: Any = forkserver._forkserver
    server.ensure_running = resource_tracker.ensure_running

    def context(method: str | None = None) -> Any:
        usual = spawned.get_context(method)
        return forked if usual is spawned else usual

    multiprocessing.get_context = context
