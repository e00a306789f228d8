"""Webhook endpoints: who is called when something happens, and what came of it."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Depends, Path, Query, Request
from starlette.responses import Response

from api.bootstrap import Service, of_request
from api.cursors import cursor_after, no_cursor, read_cursor
from api.idempotency import Answer, RetryKey
from api.problems import Problem
from api.rights import Ruled, Scope, needs
from api.schemas import Id
from api.shapes import events, webhooks
from api.shapes.declaring import answers, sends
from api.versions import IfMatch, check_match, endpoint_etag, tagged
from api.webhook_schemas import DisableIn, EndpointChange, EndpointIn, ReplayIn, RotateSecretIn
from api.webhooks.errors import TargetRefusedError
from api.webhooks.notifier import EndpointFigures
from api.webhooks.records import Delivery
from dispatch.codec import to_rfc3339

router = APIRouter(prefix="/v1/webhook-endpoints", tags=["webhooks"], route_class=Ruled)
Here = Annotated[Service, Depends(of_request)]
EndpointId = Annotated[Id, Path()]
Json = dict[str, Any]

_MOST_ID: Final = 2**53
DeliveryId = Annotated[int, Path(ge=1, le=_MOST_ID)]


@router.get("", summary="Webhook endpoints")
@needs(Scope.WEBHOOKS_READ)
@answers(webhooks.Endpoints)
async def list_endpoints(service: Here) -> webhooks.Endpoints:
    """Return every endpoint with how it is doing, the oldest first; never its secret."""
    return {"data": [_view(each) for each in service.webhooks.figures()], "next": None}


@router.post("", status_code=201, summary="Add a webhook endpoint")
@needs(Scope.WEBHOOKS_WRITE)
@answers(webhooks.EndpointWithSecret)
async def add_endpoint(
    asked: EndpointIn, request: Request, service: Here, key: RetryKey = None
) -> Response:
    """Begin to call a URL; the answer has the secret that messages are signed with, this once.

    Told is what happens from now on, or what happened after the event `after` of the log.
    """
    webhooks = service.webhooks
    await _check_url(service, asked.url)

    def job() -> Answer:
        made = webhooks.register(asked.url, asked.events, asked.description, asked.after)
        body = {**_view(made), "secret": made.endpoint.secret}
        return Answer(201, body, {"ETag": endpoint_etag(made.endpoint)})

    answer = await service.idempotency.once(request, key, asked, job)
    await webhooks.take_in()
    return answer


@router.get("/{endpoint_id}", summary="One webhook endpoint")
@needs(Scope.WEBHOOKS_READ)
@answers(webhooks.Endpoint)
async def get_endpoint(endpoint_id: EndpointId, service: Here) -> Response:
    """Return an endpoint with how it is doing; its `ETag` is for `If-Match` of a change."""
    return _tagged(service.webhooks.one(endpoint_id))


@router.patch("/{endpoint_id}", summary="Change a webhook endpoint")
@needs(Scope.WEBHOOKS_WRITE)
@answers(webhooks.Endpoint)
async def change_endpoint(
    endpoint_id: EndpointId, asked: EndpointChange, service: Here, match: IfMatch = None
) -> Response:
    """Change its URL, its events or its description; what waits already is still sent."""
    webhooks = service.webhooks
    check_match(match, endpoint_etag(webhooks.one(endpoint_id).endpoint))
    if asked.url is not None:
        await _check_url(service, asked.url)
    return _tagged(
        await webhooks.change(
            endpoint_id, url=asked.url, events=asked.events, description=asked.description
        )
    )


@router.delete("/{endpoint_id}", status_code=204, summary="Delete a webhook endpoint")
@needs(Scope.WEBHOOKS_WRITE)
async def delete_endpoint(
    endpoint_id: EndpointId, service: Here, match: IfMatch = None
) -> Response:
    """Call it no more, and forget what was sent to it."""
    check_match(match, endpoint_etag(service.webhooks.one(endpoint_id).endpoint))
    await service.webhooks.remove(endpoint_id)
    return Response(status_code=204)


@router.post("/{endpoint_id}/rotate-secret", summary="Another secret")
@needs(Scope.WEBHOOKS_WRITE)
@answers(webhooks.EndpointWithSecret)
async def rotate_secret(
    endpoint_id: EndpointId, service: Here, asked: Annotated[RotateSecretIn | None, Body()] = None
) -> webhooks.EndpointWithSecret:
    """Return a new secret, this once; messages are signed with the one before as well for a while.

    With `overlap_s` 0 the one before is worth nothing from now on.
    """
    told = asked or RotateSecretIn()
    secret = await service.webhooks.rotate(endpoint_id, told.overlap_s)
    return {**_view(service.webhooks.one(endpoint_id)), "secret": secret}


@router.post("/{endpoint_id}/disable", summary="Call a webhook endpoint no more")
@needs(Scope.WEBHOOKS_WRITE)
@answers(webhooks.Endpoint)
async def disable_endpoint(
    endpoint_id: EndpointId, asked: DisableIn, service: Here
) -> webhooks.Endpoint:
    """Stop, until it is enabled; what happens meanwhile is told then."""
    return _view(await service.webhooks.disable(endpoint_id, asked.reason))


@router.post("/{endpoint_id}/enable", summary="Call a webhook endpoint again")
@needs(Scope.WEBHOOKS_WRITE)
@answers(webhooks.Endpoint)
async def enable_endpoint(endpoint_id: EndpointId, service: Here) -> webhooks.Endpoint:
    """Go on where it was parked or disabled; nothing that happened meanwhile is left out."""
    return _view(await service.webhooks.enable(endpoint_id))


@router.post("/{endpoint_id}/test", summary="Send a test")
@needs(Scope.WEBHOOKS_WRITE)
@answers(webhooks.WebhookDelivery)
async def test_endpoint(endpoint_id: EndpointId, service: Here) -> webhooks.WebhookDelivery:
    """Send a signed `WebhookTest`, once, whatever the endpoint's state; returns what came of it."""
    return _delivery(await service.webhooks.test(endpoint_id))


@router.post("/{endpoint_id}/replay", summary="Send everything again")
@needs(Scope.WEBHOOKS_WRITE)
@answers(webhooks.Endpoint)
async def replay(endpoint_id: EndpointId, asked: ReplayIn, service: Here) -> webhooks.Endpoint:
    """Send again, in order, whatever happened after a number of the log or since a moment.

    Ids of messages are the same as before.  With the number of the latest event, what waits is
    skipped instead.
    """
    return _view(await service.webhooks.replay(endpoint_id, after=asked.after, since=asked.since))


@router.get("/{endpoint_id}/deliveries", summary="The delivery log")
@needs(Scope.WEBHOOKS_READ)
@answers(webhooks.WebhookDeliveryPage)
async def list_deliveries(
    endpoint_id: EndpointId,
    service: Here,
    delivered: Annotated[bool | None, Query()] = None,
    seq: Annotated[int | None, Query(ge=0, le=_MOST_ID)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> webhooks.WebhookDeliveryPage:
    """Return attempts of the last days, the newest first; `next` is the following page's cursor."""
    found = await service.webhooks.deliveries(
        endpoint_id, limit + 1, before=_read_cursor(cursor), delivered=delivered, seq=seq
    )
    page = found[:limit]
    more = len(found) > limit
    return {
        "data": [_delivery(each) for each in page],
        "next": cursor_after(str(page[-1].delivery_id)) if more else None,
    }


@router.get("/{endpoint_id}/deliveries/{delivery_id}", summary="One delivery")
@needs(Scope.WEBHOOKS_READ)
@answers(webhooks.WebhookDelivery)
async def get_delivery(
    endpoint_id: EndpointId, delivery_id: DeliveryId, service: Here
) -> webhooks.WebhookDelivery:
    """Return one attempt."""
    return _delivery(await service.webhooks.delivery(endpoint_id, delivery_id))


@router.post("/{endpoint_id}/deliveries/{delivery_id}/replay", summary="Send a message again")
@needs(Scope.WEBHOOKS_WRITE)
@answers(webhooks.WebhookDelivery)
async def send_again(
    endpoint_id: EndpointId, delivery_id: DeliveryId, service: Here
) -> webhooks.WebhookDelivery:
    """Send the message of a delivery once more, at once and once; returns what came of it."""
    return _delivery(await service.webhooks.again(endpoint_id, delivery_id))


sent = APIRouter()
"""What we send, for the API document."""


@sent.post("event", summary="Something happened", tags=["webhooks"])
@sends(events.Message)
def event_sent(message: Annotated[Json, Body()]) -> None:
    """Receive a message: `{"type", "timestamp", "data"}`, `data` as `GET /v1/events` shows it.

    Headers `webhook-id`, `webhook-timestamp` and `webhook-signature` are those of Standard
    Webhooks.  Answer 2xx within ten seconds once it is safe with you; anything else is sent again,
    410 ends it.
    """


async def _check_url(service: Service, url: str) -> None:
    try:
        await service.webhooks.targets.check(url)
    except TargetRefusedError as error:
        raise Problem("webhook_url_refused", f"url {error}.", {"pointer": "/url"}) from error


def _read_cursor(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    text = read_cursor(cursor)
    if not text.isdecimal() or int(text) > _MOST_ID:
        raise no_cursor()
    return int(text)


def _tagged(found: EndpointFigures) -> Response:
    return tagged(_view(found), endpoint_etag(found.endpoint))


def _view(found: EndpointFigures) -> webhooks.Endpoint:
    endpoint = found.endpoint
    return {
        "id": endpoint.endpoint_id,
        "url": endpoint.url,
        "events": list(endpoint.events),
        "description": endpoint.description,
        "created_at": to_rfc3339(endpoint.created_at),
        "status": found.state,
        "status_reason": endpoint.status_reason,
        "status_at": to_rfc3339(endpoint.status_at),
        "old_secret_until": _moment(endpoint.old_secret_until),
        "delivered_at": _moment(endpoint.delivered_at),
        "failing_since": _moment(endpoint.failing_since),
        "cursor": found.cursor,
        "behind": found.behind,
        "waiting": found.waiting,
        "since_start": {
            "delivered": found.counts.delivered,
            "failed": found.counts.failed,
            "given_up": found.counts.given_up,
        },
    }


def _delivery(found: Delivery) -> webhooks.WebhookDelivery:
    return {
        "id": found.delivery_id,
        "endpoint_id": found.endpoint_id,
        "message_id": found.message_id,
        "kind": str(found.kind),
        "seq": found.seq,
        "type": found.type,
        "attempt": found.attempt,
        "at": to_rfc3339(found.at),
        "delivered": found.delivered,
        "status": found.status,
        "error": found.error,
        "answer": found.answer,
        "latency_ms": found.latency_ms,
        "next_at": _moment(found.next_at),
    }


def _moment(at: int | None) -> str | None:
    return None if at is None else to_rfc3339(at)
