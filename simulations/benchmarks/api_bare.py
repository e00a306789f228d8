"""The least a durable service can do: a bare handler that writes what it is sent, and answers.

    python -m simulations.benchmarks.api_bare FILE PORT_FILE

FastAPI over SQLite in WAL mode with full sync and group commit: what is waiting when a transaction
begins is committed by it.  It decides nothing and checks nothing, so it is the ceiling.
"""

from __future__ import annotations

import asyncio
import socket
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Request

_Waiting = list[tuple[bytes, asyncio.Future[None]]]


def app_over(file: Path) -> FastAPI:
    """Return the application."""
    waiting: _Waiting = []
    wanted = asyncio.Event()

    def commit(group: _Waiting) -> None:
        with database:
            database.executemany("INSERT INTO log(data) VALUES (?)", [(body,) for body, _ in group])

    async def write() -> None:
        while True:
            await wanted.wait()
            wanted.clear()
            group, waiting[:] = list(waiting), []
            await asyncio.to_thread(commit, group)
            for _, done in group:
                done.set_result(None)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        writer = asyncio.create_task(write())
        yield
        writer.cancel()

    app = FastAPI(lifespan=lifespan)

    @app.get("/readyz")
    async def readyz() -> dict[str, str]:
        return {"status": "ready"}

    @app.post("/v1/orders", status_code=201)
    async def order(request: Request) -> dict[str, str]:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting.append((await request.body(), done))
        wanted.set()
        await done
        return {"id": "ord_1"}

    database = sqlite3.connect(file, check_same_thread=False)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute("CREATE TABLE log(id INTEGER PRIMARY KEY, data BLOB)")
    return app


def main() -> None:
    """Serve on a free port, written to a file, until standard input ends."""
    file, port_file = map(Path, sys.argv[1:])
    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    server = uvicorn.Server(uvicorn.Config(app_over(file), access_log=False, log_level="warning"))

    async def until_stdin_ends() -> None:
        await asyncio.to_thread(sys.stdin.read)
        server.should_exit = True

    async def serve() -> None:
        ending = asyncio.create_task(until_stdin_ends())
        port_file.write_text(str(listener.getsockname()[1]))
        await server.serve([listener])
        ending.cancel()

    asyncio.run(serve())


if __name__ == "__main__":
    main()
