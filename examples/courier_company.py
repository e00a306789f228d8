"""A courier company that takes overflow: quotes, takes jobs, and says how far it is.

Run it beside the service and give orders away to it:

    python examples/courier_company.py --port 9090
    samehour serve --courier-company swift=http://127.0.0.1:9090

It bids by the distance, takes at most `--jobs` jobs at once, and brings each of them, one step
every `--step-s` seconds.  A real company answers the same four requests from its own systems;
docs/overflow.md says what they are.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import math
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

STEPS = (
    "assigned",
    "enroute_to_pickup",
    "arrived_at_pickup",
    "picked_up",
    "enroute_to_dropoff",
    "arrived_at_dropoff",
    "delivered",
)
TOO_LATE = STEPS.index("picked_up")
HEAVIEST_G = 20_000
BASE_CENTS, KM_CENTS = 450, 120
SPEED_M_S = 5.0
TO_THE_STORE_S = 300
EARTH_M = 6_371_000


@dataclass
class Job:
    """A job that was taken, and how many of its steps are done."""

    reference: str
    asked: dict[str, Any]
    done: int = 0
    cancelled: bool = False


@dataclass
class Company:
    """What the company has to do.

    Attributes
    ----------
    by_id
        Jobs by the id of whoever gave them: the same one asked for twice is taken once.
    """

    most: int
    step_s: float
    key: str
    jobs: dict[str, Job] = field(default_factory=dict)
    by_id: dict[str, Job] = field(default_factory=dict)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def busy(self) -> int:
        """How many jobs are under way."""
        return sum(not job.cancelled and job.done < len(STEPS) for job in self.jobs.values())

    def bid(self, asked: dict[str, Any]) -> dict[str, Any] | None:
        """Return what a job costs and when it would be done, None for one it does not take."""
        if self.busy >= self.most or asked["weight_g"] > HEAVIEST_G or asked["chilled"]:
            return None
        metres = _metres(asked["pickup"]["location"], asked["dropoff"]["location"])
        now = datetime.fromisoformat(asked["asked_at"])
        ready = asked["pickup"]["ready_at"]
        pickup_at = now + timedelta(seconds=TO_THE_STORE_S)
        if ready is not None:
            pickup_at = max(pickup_at, datetime.fromisoformat(ready))
        dropoff_at = pickup_at + timedelta(seconds=metres / SPEED_M_S)
        return {
            "cost_cents": BASE_CENTS + math.ceil(metres / 1000 * KM_CENTS),
            "pickup_at": _moment(pickup_at),
            "dropoff_at": _moment(dropoff_at),
        }

    async def bring(self, job: Job) -> None:
        """Do a job step by step, and tell of each."""
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        async with httpx.AsyncClient(headers=headers, timeout=5) as client:
            for status in STEPS:
                await asyncio.sleep(self.step_s)
                if job.cancelled:
                    return
                job.done += 1
                await _tell(client, job, status)


async def _tell(client: httpx.AsyncClient, job: Job, status: str) -> None:
    """Say how far a job is; once more when nobody hears, because twice does no harm."""
    said = {"reference": job.reference, "status": status}
    for pause_s in (0.2, 1.0, 0.0):
        try:
            answer = await client.post(job.asked["updates_url"], json=said)
        except httpx.HTTPError:
            await asyncio.sleep(pause_s)
            continue
        if answer.is_server_error:
            await asyncio.sleep(pause_s)
            continue
        return
    sys.stderr.write(f"nobody heard that {job.reference} is {status}\n")


def _metres(one: dict[str, float], other: dict[str, float]) -> float:
    """Return the distance as the crow flies, a third longer for the streets."""
    lat = math.radians((one["lat"] + other["lat"]) / 2)
    north = math.radians(other["lat"] - one["lat"]) * EARTH_M
    east = math.radians(other["lng"] - one["lng"]) * EARTH_M * math.cos(lat)
    return math.hypot(north, east) * 4 / 3


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class Api:
    """The requests that a company answers."""

    company: Company

    async def quotes(self, request: Request) -> Response:
        """Answer with a bid, or with 204 for none."""
        bid = self.company.bid(await request.json())
        return Response(status_code=204) if bid is None else JSONResponse(bid)

    async def take(self, request: Request) -> Response:
        """Take a job; the same one again has the same reference."""
        company, asked = self.company, await request.json()
        known = company.by_id.get(asked["job_id"])
        if known is not None:
            return JSONResponse({"reference": known.reference})
        if company.bid(asked) is None:
            return JSONResponse({"detail": "we are full"}, 409)
        job = Job(f"SW-{len(company.jobs) + 1:05d}", asked)
        company.jobs[job.reference] = company.by_id[asked["job_id"]] = job
        task = asyncio.create_task(company.bring(job))
        company.tasks.add(task)
        task.add_done_callback(company.tasks.discard)
        return JSONResponse({"reference": job.reference}, 201)

    async def show(self, request: Request) -> Response:
        """Say how far a job is."""
        job = self.company.jobs.get(request.path_params["reference"])
        if job is None:
            return JSONResponse({"detail": "no such job"}, 404)
        status = STEPS[job.done - 1] if job.done else "booked"
        said = "cancelled" if job.cancelled else status
        return JSONResponse({"reference": job.reference, "status": said})

    async def cancel(self, request: Request) -> Response:
        """Let go of a job, by our reference or by the id of whoever gave it."""
        name = request.path_params["reference"]
        job = self.company.jobs.get(name) or self.company.by_id.get(name)
        if job is None:
            return JSONResponse({"detail": "no such job"}, 404)
        if job.done > TOO_LATE:
            return JSONResponse({"detail": "we have the goods"}, 409)
        job.cancelled = True
        return Response(status_code=204)

    def app(self) -> Starlette:
        """Return the application."""

        @contextlib.asynccontextmanager
        async def lifespan(_app: Starlette) -> AsyncIterator[None]:
            yield
            for task in self.company.tasks:
                task.cancel()

        return Starlette(
            routes=[
                Route("/quotes", self.quotes, methods=["POST"]),
                Route("/jobs", self.take, methods=["POST"]),
                Route("/jobs/{reference}", self.show, methods=["GET"]),
                Route("/jobs/{reference}", self.cancel, methods=["DELETE"]),
            ],
            lifespan=lifespan,
        )


def main() -> None:
    """Run the company on loopback until Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--port", type=int, default=9090, help="0 for any free one")
    parser.add_argument("--port-file", type=Path, help="write the port there")
    parser.add_argument("--jobs", type=int, default=10, help="jobs at once")
    parser.add_argument("--step-s", type=float, default=5.0, help="seconds from step to step")
    parser.add_argument("--key", default="", help="of the service's API, if it has one")
    told = parser.parse_args()
    listener = socket.create_server(("127.0.0.1", told.port))
    port = listener.getsockname()[1]
    if told.port_file is not None:
        told.port_file.write_text(f"{port}\n", encoding="utf-8")
    sys.stdout.write(f"the company listens at http://127.0.0.1:{port}\n")
    sys.stdout.flush()
    app = Api(Company(told.jobs, told.step_s, told.key)).app()
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])


if __name__ == "__main__":
    main()
