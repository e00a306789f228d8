"""Text messages: all that a courier does, without the app."""

from __future__ import annotations

import asyncio
import hashlib
import json
from http import HTTPStatus
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from api.bootstrap import Service, of_request
from api.problems import Problem
from api.rights import Ruled, Scope, needs
from api.schemas import Id
from api.shapes import couriers
from api.shapes.declaring import answers
from api.sms_answers import answer
from api.sms_news import news
from api.storage.records import KeptAnswer

router = APIRouter(prefix="/v1", tags=["couriers"], route_class=Ruled)
Here = Annotated[Service, Depends(of_request)]
Json = dict[str, Any]

_FROM: Final = ("From", "from", "sender", "msisdn")
_TEXT: Final = ("Body", "body", "text", "Text", "message", "content")
_ID: Final = ("MessageSid", "SmsSid", "id", "message_id", "messageId")
_MOST: Final = 2000
_MAX_SEQ: Final = 2**53
_SCANNED: Final = 5000
"""Events that one request looks through."""


def _said(words: str) -> Json:
    return {"type": "string", "description": words}


_SMS_SCHEMA: Final[Json] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "required": ["From", "Body"],
                    "properties": {
                        "From": _said("Number of the phone that sent it, as +358401234567."),
                        "Body": _said("What the message says."),
                        "MessageSid": _said("The gateway's id of the message, done once."),
                    },
                }
            },
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["from", "text"],
                    "properties": {
                        "from": _said("Number of the phone that sent it, as +358401234567."),
                        "text": _said("What the message says."),
                        "id": _said("The gateway's id of the message, done once."),
                    },
                }
            },
        },
    }
}


@router.post(
    "/sms/inbound",
    summary="A courier's text message",
    openapi_extra=_SMS_SCHEMA,
    responses={
        200: {
            "content": {
                "application/json": {},
                "application/xml": {},
                "text/plain": {},
            }
        }
    },
)
@needs(Scope.SMS_WRITE)
@answers(couriers.Reply)
async def take_message(request: Request, service: Here) -> Response:
    """Do what a text message says and answer it, as gateways call: a form or JSON.

    The answer is one message of at most 160 characters: `{"reply": ...}`, TwiML for a gateway
    that asks for XML (or is Twilio), or plain text.  A message with an id is done once.
    """
    fields = _fields(request.headers.get("content-type", ""), await request.body())
    phone, text = _field(fields, _FROM), _field(fields, _TEXT)
    for names, value in ((_FROM, phone), (_TEXT, text)):
        if value is None:
            raise _missing(names[0])
    message_id = _field(fields, _ID)
    reply = await _reply(service, phone or "", text or "", message_id)
    return _on_wire(request.headers.get("accept", ""), reply, is_twilio="MessageSid" in fields)


async def _reply(service: Service, phone: str, text: str, message_id: str | None) -> str:
    """Return the answer to a message; the one it got before if the gateway sends it again."""
    live = service.live
    if not message_id:
        return await live.run(lambda: answer(service, phone, text))
    key = "sms:" + hashlib.sha256(f"{phone} {message_id}".encode()).hexdigest()
    kept = await asyncio.to_thread(live.ledger.kept_answer, live.zone_id, key)
    if kept is not None:
        return str(json.loads(kept.body)["reply"])

    def once() -> str:
        # A copy that came while the first was on its way to the ledger is known here only.
        known = service.sms_replies.get(key)
        if known is not None:
            return known
        reply = answer(service, phone, text)
        service.sms_replies.keep(key, reply)
        body = json.dumps({"reply": reply})
        live.keep(KeptAnswer(key, "", HTTPStatus.OK, body, live.clock.now()))
        return reply

    return await live.run(once)


def _fields(content_type: str, body: bytes) -> dict[str, str]:
    """Return the fields of a body, JSON or a form; what it says it is, or else what it looks like.

    Raises
    ------
    Problem
        It is neither.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise Problem("malformed_body", "The body is no UTF-8 text.") from error
    if "json" in content_type or (not content_type and text.lstrip().startswith("{")):
        return _json_fields(text)
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=100)
    except ValueError as error:
        raise Problem("malformed_body", "The form has too many fields.") from error
    return dict(reversed(pairs))


def _json_fields(text: str) -> dict[str, str]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Problem("malformed_body", "The body is not JSON.") from error
    if not isinstance(found, dict):
        raise Problem("malformed_body", "The body is no JSON object.")
    for name in (*_FROM, *_TEXT, *_ID):
        if not isinstance(found.get(name, ""), str):
            pointer = f"/{name}"
            raise Problem("invalid_request", f"{pointer}: give a text.", {"pointer": pointer})
    # Gateways send much else beside.
    return {key: value for key, value in found.items() if isinstance(value, str)}


def _field(fields: dict[str, str], names: tuple[str, ...]) -> str | None:
    found = next((fields[name] for name in names if name in fields), None)
    if found is None:
        return None
    # Half a character, which JSON can spell, is none; what steers a terminal is a space.
    whole = found[:_MOST].encode("utf-8", "replace").decode()
    return "".join(letter if letter.isprintable() else " " for letter in whole)


def _missing(name: str) -> Problem:
    pointer = f"/{name}"
    detail = f"is missing; send {name} as a form, or as JSON"
    errors = [{"pointer": pointer, "detail": detail}]
    return Problem(
        "invalid_request", f"{pointer}: {detail}.", {"pointer": pointer, "errors": errors}
    )


def _on_wire(accept: str, reply: str, *, is_twilio: bool) -> Response:
    if is_twilio or "application/xml" in accept or "text/xml" in accept:
        document = (
            '<?xml version="1.0" encoding="UTF-8"?>'
            f"<Response><Message>{escape(reply)}</Message></Response>"
        )
        return Response(document, media_type="application/xml")
    if "text/plain" in accept:
        return PlainTextResponse(reply)
    return JSONResponse({"reply": reply})


@router.get("/couriers/{courier_id}/messages", summary="Text messages for a courier")
@needs(Scope.STOPS_READ)
@answers(couriers.Texts)
async def list_messages(
    courier_id: Annotated[Id, Path()],
    service: Here,
    after: Annotated[int, Query(ge=0, le=_MAX_SEQ)] = 0,
) -> couriers.Texts:
    """Return what a courier would be texted after a sequence number, for a gateway that polls.

    `next` is what to ask after the next time, with or without messages.
    """
    live = service.live
    page = await live.feed.after(after, _SCANNED)
    found = await live.run(lambda: news(live, courier_id, page))
    return {"data": found, "next": page[-1].seq if page else after}
