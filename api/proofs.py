"""Proof of a stop: pictures told by their first bytes, PINs and codes held against the order."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

from api.bootstrap import Service
from api.courier_schemas import ProofIn
from api.problems import Problem
from api.storage.records import Blob
from dispatch.errors import WrongParcelError
from dispatch.model import StopKind
from dispatch.records import Proof, ProofKind
from dispatch.state import OrderState

_ID_BYTES: Final = 20
_RIFF_KIND: Final = slice(8, 12)
_AT_THE_DOOR: Final = frozenset({ProofKind.PIN, ProofKind.AGE})

_NEEDS: Final = {
    ProofKind.PHOTO: ("blob_id",),
    ProofKind.SIGNATURE: ("blob_id", "detail"),
    ProofKind.PIN: ("value",),
    ProofKind.QR: ("value",),
    ProofKind.NOTE: ("detail",),
    ProofKind.AGE: ("detail",),
}
"""What a proof of each kind says: one of these at least."""


def picture_type(body: bytes) -> str | None:
    """Return the content type of a picture by its first bytes, None for what is not kept.

    A drawing (SVG) is not: it may carry scripts.
    """
    if body.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if body.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if body.startswith(b"RIFF") and body[_RIFF_KIND] == b"WEBP":
        return "image/webp"
    return None


def picture(body: bytes, declared: str) -> Blob:
    """Return a picture as it is kept, named by its content.

    Raises
    ------
    Problem
        It is empty, of another kind, or not what it is said to be.
    """
    found = picture_type(body)
    said = declared.partition(";")[0].strip().lower()
    if found is None:
        raise Problem(
            "unsupported_picture",
            "The body is no JPEG, PNG or WebP picture; send its bytes as they are."
            if body
            else "The body is empty; send the picture's bytes.",
        )
    if said != found:
        raise Problem(
            "unsupported_picture",
            f"The body is {found}, and Content-Type says {said or 'nothing'}; send what it is.",
        )
    digest = blake2b(body, digest_size=_ID_BYTES).hexdigest()
    return Blob(f"blb_{digest}", found, body)


async def check_pictures(service: Service, proofs: Sequence[ProofIn]) -> None:
    """Hold that every picture named was sent before.

    Raises
    ------
    Problem
        One was not; with a pointer.
    """
    ledger, zone_id = service.live.ledger, service.live.zone_id
    for index, proof in enumerate(proofs):
        if proof.blob_id is None:
            continue
        if not await asyncio.to_thread(ledger.has_blob, zone_id, proof.blob_id):
            raise _unfit(index, "blob_id", f"names no picture: {proof.blob_id}; send it first")


def as_proofs(sent: Sequence[ProofIn]) -> tuple[Proof, ...]:
    """Return proofs as they are put on record: what was said of a PIN is left out.

    Raises
    ------
    Problem
        One does not say what its kind needs; with a pointer.
    """
    return tuple(_as_proof(index, proof) for index, proof in enumerate(sent))


def _as_proof(index: int, sent: ProofIn) -> Proof:
    needs = _NEEDS[sent.kind]
    if not any(getattr(sent, name) for name in needs):
        raise _unfit(index, needs[0], f"is missing; a proof of kind {sent.kind} needs it")
    detail = sent.detail
    if sent.kind is ProofKind.QR:
        detail = sent.value or ""
    elif sent.kind is ProofKind.PIN:
        detail = ""
    return Proof(sent.kind, detail, sent.blob_id or "")


def check_proofs(
    service: Service, order: OrderState, kind: StopKind, sent: Sequence[ProofIn]
) -> None:
    """Hold what was said and scanned at a stop against the order; on the engine's thread.

    Raises
    ------
    WrongParcelError
        Another parcel was scanned.
    Problem
        `wrong_pin`, `too_many_tries`; a proof that is for doors only.
    """
    for index, proof in enumerate(sent):
        if proof.kind in _AT_THE_DOOR and kind is not StopKind.DROPOFF:
            raise _unfit(index, "kind", f"is {proof.kind}, which is for a drop-off only")
    for proof in sent:
        if proof.kind is ProofKind.QR and (proof.value or "").strip() != order.parcel_id:
            raise WrongParcelError(
                f"parcel {proof.value} does not belong to this stop; {order.parcel_id} does",
                order.parcel_id,
            )
    for index, proof in enumerate(sent):
        if proof.kind is ProofKind.PIN:
            check_pin(service, order, proof.value or "", f"/proofs/{index}/value")


def check_pin(service: Service, order: OrderState, said: str, pointer: str = "/pin") -> None:
    """Hold a PIN that was told against the customer's; on the engine's thread.

    Of a split order the customer knows one PIN, that of the whole.

    Raises
    ------
    Problem
        `wrong_pin`; `too_many_tries` after five wrong ones in ten minutes.
    """
    live, tries = service.live, service.tries
    now, subject = live.clock.now(), f"order {order.order_id}"
    tries.check(subject, now, live.clock.speed)
    whole = order.order.part_of or order.order_id
    if service.tokens.is_pin(order.order_id, said) or service.tokens.is_pin(whole, said):
        return
    left = tries.note(subject, now)
    raise Problem(
        "wrong_pin",
        f"That is not the customer's PIN; {left} more tries.",
        {"pointer": pointer, "tries_left": left},
    )


def _unfit(index: int, field: str, problem: str) -> Problem:
    pointer = f"/proofs/{index}/{field}"
    errors = [{"pointer": pointer, "detail": problem}]
    return Problem(
        "invalid_request", f"{pointer}: {problem}.", {"pointer": pointer, "errors": errors}
    )
