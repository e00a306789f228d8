"""Nothing is answered before the service is ready, and it says what it waits for."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from api.problems import Traced
from api.warmup import Opening, WarmUp


async def answering(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def get(warm_up: WarmUp, path: str) -> httpx.Response:
    async def ask() -> httpx.Response:
        app = Traced(Opening(answering, warm_up=warm_up))
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://here"
        ) as http:
            return await http.get(path)

    return asyncio.run(ask())


def test_the_door_is_closed_until_everything_is_ready() -> None:
    warm_up = WarmUp()
    with warm_up.phase("travel_times", "the travel times are being compiled"):
        refused = get(warm_up, "/v1/orders")
        assert refused.status_code == 503
        assert refused.headers["retry-after"] == "1"
        assert refused.json()["code"] == "not_ready"
        assert "the travel times are being compiled, 0 s so far" in refused.json()["detail"]
        assert get(warm_up, "/readyz").status_code == 204
    assert get(warm_up, "/v1/orders").status_code == 503
    warm_up.done()
    assert get(warm_up, "/v1/orders").status_code == 204
    assert list(warm_up.took_s) == ["travel_times"]
    assert warm_up.waiting_for() is None


def test_a_part_that_fails_leaves_the_door_closed() -> None:
    warm_up = WarmUp()
    with pytest.raises(OSError, match="no"), warm_up.phase("planner", "the planner is starting"):
        raise OSError("no")
    assert warm_up.took_s == {}
    assert get(warm_up, "/v1/orders").status_code == 503


def test_a_service_imports_no_solver_and_nothing_that_only_builders_need() -> None:
    heavy = {"ortools", "pandas", "scipy.sparse", "scipy.spatial", "alembic", "geopandas", "osmnx"}
    done = subprocess.run(
        [sys.executable, "-c", "import sys, api.main; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(done.stdout.split())
    assert "api.routes" in loaded
    assert not heavy & loaded
