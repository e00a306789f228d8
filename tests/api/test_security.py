"""Who may talk to the service: checked before any route, by a guard around a bare app."""

from __future__ import annotations

import asyncio
import socket

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from api.main import bind
from api.problems import Traced
from api.security import Guarded
from api.settings import SettingsError

BASE = "http://127.0.0.1:8080"


async def open_door(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("come in")(scope, receive, send)


async def trap_door(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise RuntimeError("a secret of ours")


def ask(guard: Traced, method: str = "GET", path: str = "/v1/x", **headers: str) -> httpx.Response:
    async def call() -> httpx.Response:
        transport = httpx.ASGITransport(guard)
        async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
            sent = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
            return await client.request(method, path, headers=sent)

    return asyncio.run(call())


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost", "[::1]:9000"])
def test_loopback_goes_by_its_own_names(host: str) -> None:
    assert ask(Traced(Guarded(open_door, on_loopback=True)), Host=host).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8080", "127.0.0.1.evil.example"])
def test_loopback_goes_by_no_other_name(host: str) -> None:
    answer = ask(Traced(Guarded(open_door, on_loopback=True)), Host=host)
    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_host")


def test_a_name_that_was_allowed_is_answered() -> None:
    guard = Traced(Guarded(open_door, on_loopback=False, allowed_hosts=("shop.example",)))
    assert ask(guard, Host="shop.example").status_code == 200
    assert ask(guard, Host="evil.example").status_code == 400


def test_pages_of_other_sites_may_read_nothing_new_and_change_nothing() -> None:
    guard = Traced(Guarded(open_door, on_loopback=True))
    assert ask(guard, "POST", Origin="http://evil.example").status_code == 403
    assert ask(guard, "POST", Origin="null").status_code == 403
    assert ask(guard, "POST", Origin=BASE).status_code == 200


def test_a_crash_is_answered_without_its_secrets() -> None:
    answer = ask(Traced(trap_door))
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "secret" not in answer.text
    assert answer.json()["trace_id"] == answer.headers["trace-id"]


def test_a_taken_port_is_replaced_by_the_next_and_that_is_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with bind("127.0.0.1", 0) as holder:
        taken = holder.getsockname()[1]
        with bind("127.0.0.1", taken) as found:
            used = found.getsockname()[1]
            assert used != taken
            assert capsys.readouterr().err == f"port {taken} is taken; using {used}\n"


def test_an_address_that_is_not_ours_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"192\.0\.2\.1:8080 cannot be used"):
        bind("192.0.2.1", 8080)


def test_a_free_port_is_taken_as_asked(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with bind("127.0.0.1", port) as found:
        assert found.getsockname()[1] == port
    assert capsys.readouterr().err == ""
