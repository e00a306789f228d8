"""What the service says: one line each, with the trace id of the request it is about."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Iterator

import httpx
import pytest
import structlog
from conftest import Town, until
from starlette.types import Receive, Scope, Send

from api.logs import LogFormat, log_to, logger
from api.problems import Traced


@pytest.fixture
def said() -> Iterator[io.StringIO]:
    root, ours = logging.getLogger(), logging.getLogger("samehour")
    before = (list(root.handlers), root.level, ours.level)
    yield io.StringIO()
    root.handlers, root.level, ours.level = before
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def test_a_line_of_text_is_names_and_values(said: io.StringIO) -> None:
    log_to(said, LogFormat.TEXT, "INFO")
    logger("boot").info("started", zone="helsinki", seq=3, why='two "words"')
    line = said.getvalue()
    assert line.startswith("at=20")
    assert line.rstrip().endswith(
        r'level=INFO from=samehour.boot event=started zone=helsinki seq=3 why="two \"words\""'
    )


def test_a_line_of_json_is_one_object_even_with_a_stack(said: io.StringIO) -> None:
    log_to(said, LogFormat.JSON, "INFO")
    try:
        int("no\nway")
    except ValueError:
        logger("live").exception("replan_failed", zone="helsinki")
    (line,) = said.getvalue().splitlines()
    found = json.loads(line)
    assert found["level"] == "ERROR"
    assert found["event"] == "replan_failed"
    assert "ValueError" in found["exception"]


def test_other_libraries_come_out_in_the_same_form_from_warnings_on(said: io.StringIO) -> None:
    log_to(said, LogFormat.JSON, "DEBUG")
    logging.getLogger("uvicorn.error").info("not said")
    logging.getLogger("uvicorn.error").warning("port %s", 80)
    (found,) = map(json.loads, said.getvalue().splitlines())
    assert (found["from"], found["event"]) == ("uvicorn.error", "port 80")


def test_what_is_said_about_a_request_has_the_trace_id_of_its_answer(said: io.StringIO) -> None:
    log_to(said, LogFormat.JSON, "DEBUG")

    async def crash(_scope: Scope, _receive: Receive, _send: Send) -> None:
        await asyncio.to_thread(lambda: logger("live").warning("on_another_thread"))
        raise RuntimeError("broken")

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(Traced(crash)), base_url="http://here"
        ) as http:
            return await http.get("/v1/orders")

    answer = asyncio.run(ask())
    assert answer.status_code == 500
    lines = [json.loads(line) for line in said.getvalue().splitlines()]
    assert {line["trace_id"] for line in lines} == {answer.headers["trace-id"]}
    assert [line["event"] for line in lines] == ["on_another_thread", "crashed", "request"]


def test_a_service_says_every_request_when_asked_to_and_never_a_token(own_town: Town) -> None:
    town = own_town.start("--port", "0", "--log-format", "json", "--log-level", "DEBUG")
    town.get("/v1/track/ord_secret.abc", 404)
    answer = town.http.get("/v1/orders/ord_nothing")

    def about() -> list[dict[str, object]]:
        # With what is printed for people in the same file.
        said = [line for line in town.log().splitlines() if line.startswith("{")]
        lines = [json.loads(line) for line in said]
        return [line for line in lines if line.get("trace_id") == answer.headers["trace-id"]]

    (line,) = until(about, "the request was said")
    assert (line["path"], line["status"]) == ("/v1/orders/ord_nothing", 404)
    assert "ord_secret" not in town.log()
    assert "/v1/track/{token}" in town.log()
