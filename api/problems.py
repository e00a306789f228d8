"""Errors on the wire: RFC 9457 problem documents with stable codes and a trace id."""

from __future__ import annotations

import http
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import metrics
from api.logs import logger, traced
from api.storage.errors import LedgerError
from dispatch.errors import (
    ConflictError,
    DispatchError,
    InvalidValueError,
    ProofRequiredError,
    RefusedError,
    SequenceError,
    StaleVersionError,
    UnknownIdError,
    WrongParcelError,
    WrongStateError,
)
from dispatch.model import Reason
from geo.errors import GeoError, NoRouteError, TooFarFromRoadError, TravelServerError

_log = logger("http")

CODES: Final[Mapping[str, tuple[int, str]]] = {
    "malformed_body": (400, "The body is not JSON"),
    "malformed_request": (400, "The request is not HTTP"),
    "unknown_host": (400, "The service does not go by this name"),
    "zone_needed": (400, "The key is of several zones, and none is named"),
    "unauthorized": (401, "A valid key is needed"),
    "forbidden": (403, "The key is not good for this"),
    "cross_origin": (403, "Pages of other sites may not change anything here"),
    "not_found": (404, "There is nothing at this address"),
    "unknown_id": (404, "The id names nothing"),
    "unknown_zone": (404, "There is no such zone"),
    "link_expired": (404, "The link is over"),
    "method_not_allowed": (405, "The address does not know this method"),
    "too_slow": (408, "The request came too slowly"),
    "conflict": (409, "The request does not fit the present state"),
    "wrong_state": (409, "The move is not allowed in the present state"),
    "external_id_taken": (409, "The external id belongs to another order"),
    "idempotency_running": (409, "A request with this key is still running"),
    "offer_expired": (409, "The offer is not open any more"),
    "proof_required": (409, "The stop cannot be done without proof"),
    "wrong_parcel": (409, "Another parcel belongs here"),
    "wrong_article": (409, "The article is not part of the order"),
    "wrong_code": (409, "The code is not the customer's"),
    "wrong_pin": (409, "The PIN is not the customer's"),
    "courier_company_refused": (409, "The courier company does not do it"),
    "stale_version": (412, "The thing has changed since it was read"),
    "body_too_large": (413, "The body is too large"),
    "unsupported_encoding": (415, "The body is compressed"),
    "unsupported_media_type": (415, "The body is not of a type that is taken here"),
    "unsupported_picture": (415, "The picture is not one that is kept"),
    "invalid_request": (422, "The request is not valid"),
    "invalid_value": (422, "A value is not possible"),
    "time_in_future": (422, "The time lies in the future"),
    "idempotency_mismatch": (422, "The key was used with another request"),
    "no_route": (422, "There is no way between the places"),
    "place_unusable": (422, "The place cannot be used"),
    "unknown_mode": (422, "The city has no roads for this mode"),
    "closure_refused": (422, "The street cannot be closed"),
    "observation_refused": (422, "The speed cannot have been observed"),
    "bad_opening_hours": (422, "The opening hours cannot be read"),
    "area_unusable": (422, "The service area cannot be used"),
    "webhook_url_refused": (422, "The address is not called"),
    "stock_file_refused": (422, "The stock file has lines that cannot be taken"),
    "catalogue_file_refused": (422, "The catalogue file has lines that cannot be taken"),
    **{str(reason): (422, "The order cannot be promised") for reason in Reason},
    "solve_refused": (422, "The problem cannot be solved as it is stated"),
    "headers_too_large": (431, "The headers are too large"),
    "solver_busy": (429, "Too many problems wait already"),
    "too_many_requests": (429, "This key asks too often"),
    "too_many_tries": (429, "There were too many wrong tries"),
    "internal_error": (500, "Something went wrong on our side"),
    "courier_company_failed": (502, "The courier company gave no usable answer"),
    "too_many_connections": (503, "All connections are taken"),
    "not_ready": (503, "The service is starting, stopping or has failed"),
}
"""Every code with its status and title; published in the API document."""

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_BY_STATUS: Final = {
    404: "not_found",
    405: "method_not_allowed",
    408: "too_slow",
    413: "body_too_large",
}


@dataclass
class Problem(Exception):  # noqa: N818  the name it has in RFC 9457
    """An answer that is a problem; raised anywhere below a route."""

    code: str
    detail: str
    extra: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    status: int | None = None

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}"

    @property
    def http_status(self) -> int:
        """Status of the answer."""
        return self.status if self.status is not None else CODES[self.code][0]

    def document(self) -> dict[str, Any]:
        """Return the problem document, without its trace id."""
        title = CODES[self.code][1] if self.code in CODES else self.detail
        return {
            "type": f"/docs#{self.code}",
            "title": title,
            "status": self.http_status,
            "code": self.code,
            "detail": self.detail,
            **self.extra,
        }


def of_error(error: DispatchError | GeoError | LedgerError) -> Problem:  # noqa: C901, PLR0911, PLR0912  a table
    """Return the problem that an error of the rooms below stands for."""
    detail = str(error)
    match error:
        case UnknownIdError():
            return Problem("unknown_id", _sentence(detail))
        case WrongStateError():
            return Problem(
                "wrong_state",
                _sentence(detail),
                {"state": error.state, "allowed": [str(move) for move in error.allowed]},
            )
        case SequenceError() | LedgerError():
            return Problem(
                "not_ready",
                "The service is stopping; try again in a moment.",
                headers={"Retry-After": "2"},
            )
        case ProofRequiredError():
            return Problem(error.code, _sentence(detail), {"required": list(error.required)})
        case WrongParcelError():
            return Problem(error.code, _sentence(detail), {"expected_parcel_id": error.expected})
        case StaleVersionError():
            return Problem(error.code, _sentence(detail), {"version": error.present})
        case ConflictError():
            known = error.code if error.code in CODES else "conflict"
            return Problem(known, _sentence(detail))
        case RefusedError():
            return Problem(str(error.reason), _sentence(detail))
        case InvalidValueError():
            pointer = "/" + error.field.replace(".", "/")
            return Problem("invalid_value", _sentence(detail), {"pointer": pointer})
        case TooFarFromRoadError():
            return Problem(str(Reason.OUTSIDE_RADIUS), _sentence(detail))
        case TravelServerError():
            return Problem("not_ready", _sentence(detail), headers={"Retry-After": "1"})
        case NoRouteError():
            return Problem("no_route", _sentence(detail))
        case GeoError():
            known = error.code if error.code in CODES else "place_unusable"
            return Problem(known, _sentence(detail))
        case DispatchError():
            return Problem("conflict", _sentence(detail))


OSRM_PATHS: Final = ("/nearest/", "/route/", "/table/")
"""Where clients of OSRM ask; they look for `message` in an error, and VROOM breaks without it."""


def for_client(problem: Problem, path: str) -> Problem:
    """Return a problem as whoever asks at a path can read it."""
    if path.startswith(OSRM_PATHS):
        problem.extra = {**problem.extra, "message": problem.detail}
    return problem


def response(problem: Problem, trace_id: str) -> Response:
    """Return the answer for a problem."""
    return JSONResponse(
        {**problem.document(), "trace_id": trace_id},
        problem.http_status,
        headers=problem.headers,
        media_type="application/problem+json",
    )


def install(app: FastAPI) -> None:
    """Make every error of an app a problem document."""
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(DispatchError, _on_error)
    app.add_exception_handler(GeoError, _on_error)
    app.add_exception_handler(LedgerError, _on_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)


class Traced:
    """Outermost: gives every request a trace id, and every crash an answer that leaks nothing.

    Every request is counted, by the form of its path: ids would make figures without end.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        trace_id = f"trc_{secrets.token_hex(8)}"
        scope.setdefault("state", {})["trace_id"] = trace_id
        traced(trace_id)
        status = 0
        began = time.perf_counter()

        async def send_traced(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"trace-id", trace_id.encode())]
            await send(message)

        try:
            await self._app(scope, receive, send_traced)
        except ClientDisconnect:
            _log.debug("cut_off", path=_path(scope))  # nobody is there to be answered
        except Exception:
            _log.exception("crashed", path=_path(scope))
            if status:
                raise
            problem = Problem("internal_error", "Tell us the trace id and we can look it up.")
            await response(problem, trace_id)(scope, receive, send_traced)
        finally:
            took_s = time.perf_counter() - began
            method, route = _kind(scope)
            metrics.REQUESTS.labels(method, route, str(status)).observe(took_s)
            _log.debug(
                "request",
                method=scope["method"],
                path=_path(scope),
                status=status,
                took_ms=round(1000 * took_s, 1),
            )


def _kind(scope: Scope) -> tuple[str, str]:
    """Return a request's method and the form of its path, as far as they are known here."""
    method, route = scope["method"], scope.get("route")
    return method if method in _METHODS else "other", getattr(route, "path", "other")


def _path(scope: Scope) -> str:
    """Return a path as the log may know it: who has a token needs no key."""
    return _kind(scope)[1] if "token" in scope.get("path_params", {}) else str(scope["path"])


def trace_id(request: Request) -> str:
    """Return the trace id of a request."""
    return str(request.scope["state"]["trace_id"])


async def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)  # noqa: S101  registered for this class only
    return response(for_client(error, request.url.path), trace_id(request))


async def _on_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, DispatchError | GeoError | LedgerError)  # noqa: S101  likewise
    return response(of_error(error), trace_id(request))


async def _on_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  likewise
    found = error.errors()
    if any(item["type"] == "json_invalid" for item in found):
        return response(
            Problem("malformed_body", f"The body is not JSON: {found[0]['ctx']['error']}."),
            trace_id(request),
        )
    errors = [
        {
            "in": str(item["loc"][0]),
            "pointer": _pointer(item["loc"][1:]),
            "detail": _plain(item["msg"]),
        }
        for item in found
    ]
    first = errors[0]
    where = first["pointer"] or f"the {first['in']}"
    return response(
        Problem(
            "invalid_request",
            f"{where}: {first['detail']}."
            + (f" There are {len(errors) - 1} more problems." if len(errors) > 1 else ""),
            {"pointer": first["pointer"], "errors": errors},
        ),
        trace_id(request),
    )


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  likewise
    headers = dict(error.headers or {})
    detail = {
        "not_found": f"There is nothing at {request.url.path}; /docs lists what there is.",
        "method_not_allowed": f"{request.url.path} knows {headers.get('allow', 'other methods')}, "
        f"not {request.method}.",
    }
    code = _BY_STATUS.get(error.status_code)
    if code is None and error.status_code == http.HTTPStatus.BAD_REQUEST:
        code = "malformed_body"
    if code is None:
        return response(
            Problem("invalid_request", str(error.detail), status=error.status_code),
            trace_id(request),
        )
    return response(
        Problem(code, detail.get(code, str(error.detail)), headers=headers), trace_id(request)
    )


def _pointer(location: Any) -> str:
    """Return the JSON pointer (RFC 6901) of a place in a body."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in location)


def _plain(message: str) -> str:
    return message.removeprefix("Value error, ").rstrip(".")


def _sentence(detail: str) -> str:
    """Return a message as a sentence: a capital first, a full stop last."""
    if not detail:
        return detail
    return detail[0].upper() + detail[1:] + ("" if detail.endswith((".", "!", "?")) else ".")
