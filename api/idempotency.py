"""Safe retries: the same key with the same request gets the same answer, and nothing twice.

The answer is kept in the same transaction as the events it speaks of, so a crash between the
two cannot turn a retry into a second order.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

from fastapi import Header, Request, Response
from pydantic import BaseModel
from starlette.responses import JSONResponse

from api.live import Live
from api.problems import Problem, of_error, response, trace_id
from api.storage.records import KeptAnswer
from dispatch.errors import DispatchError
from geo.errors import GeoError

_KEY: Final = re.compile(r"^[!-~]{1,255}$")

RetryKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="Of your choice, one for each thing to be done: a retry with the same key and "
        "body is answered as the first time, and nothing is done twice.",
        json_schema_extra={"pattern": _KEY.pattern},
    ),
]
"""The header of that name of a request."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request was answered, before it is put on the wire."""

    status: int
    body: Mapping[str, Any]
    headers: dict[str, str] = field(default_factory=dict)
    """Of the first answer only: a version that is replayed may be stale by then."""


class Idempotency:
    """Keys in use by running requests; the finished ones are in the ledger."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._running: dict[str, str] = {}

    async def once(
        self, request: Request, key: RetryKey, body: BaseModel, job: Callable[[], Answer]
    ) -> Response:
        """Do a job on the engine's thread, or replay what it answered under the same key.

        Raises
        ------
        Problem
            A malformed key; the key was used with another body; the first request still runs.
        """
        if key is None:
            return _on_wire(request, await self._live.run(lambda: _answer(job)))
        if not _KEY.fullmatch(key):
            raise Problem(
                "invalid_request",
                "Idempotency-Key must be 1 to 255 printable ASCII characters without spaces.",
            )
        fingerprint = _fingerprint(request, body)
        running = self._running.get(key)
        if running is not None:
            _same(key, running, fingerprint)
            raise Problem(
                "idempotency_running",
                f"A request with the key {key} is still running; ask again in a moment.",
                headers={"Retry-After": "1"},
            )
        self._running[key] = fingerprint
        try:
            return await self._first_or_kept(request, key, fingerprint, job)
        finally:
            del self._running[key]

    async def _first_or_kept(
        self, request: Request, key: str, fingerprint: str, job: Callable[[], Answer]
    ) -> Response:
        live = self._live
        kept = await asyncio.to_thread(live.ledger.kept_answer, live.zone_id, key)
        if kept is not None:
            _same(key, kept.request_hash, fingerprint)
            answer = Answer(kept.status, json.loads(kept.body))
            return _on_wire(request, answer, replayed=True)

        def job_kept() -> Answer:
            answer = _answer(job)
            live.keep(
                KeptAnswer(
                    key, fingerprint, answer.status, json.dumps(answer.body), live.clock.now()
                )
            )
            return answer

        return _on_wire(request, await live.run(job_kept))


def _answer(job: Callable[[], Answer]) -> Answer:
    """Return the job's answer; a refusal is an answer too, and kept like any other."""
    try:
        return job()
    except Problem as problem:
        return Answer(problem.http_status, problem.document(), problem.headers)
    except (DispatchError, GeoError) as error:
        said = of_error(error)
        return Answer(said.http_status, said.document(), said.headers)


def _on_wire(request: Request, answer: Answer, *, replayed: bool = False) -> Response:
    headers = {**answer.headers, "Idempotency-Replayed": "true"} if replayed else answer.headers
    if "code" in answer.body and "type" in answer.body:
        known = {"type", "title", "status", "code", "detail"}
        extra = {name: value for name, value in answer.body.items() if name not in known}
        problem = Problem(answer.body["code"], answer.body["detail"], extra, headers, answer.status)
        return response(problem, trace_id(request))
    return JSONResponse(answer.body, answer.status, headers)


def _same(key: str, first: str, now: str) -> None:
    if first != now:
        raise Problem(
            "idempotency_mismatch",
            f"The key {key} was used with another request; take a new key for a new request.",
        )


def _fingerprint(request: Request, body: BaseModel) -> str:
    text = f"{request.method} {request.url.path} {body.model_dump_json()}"
    return hashlib.sha256(text.encode()).hexdigest()
