"""Work heard of afterwards: from what a device sends to the command, and what is answered."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from api.bootstrap import Service
from api.late_schemas import WorkReportIn
from api.live import Live
from api.problems import Problem
from api.proofs import as_proofs, check_pin
from api.shapes import couriers
from dispatch.codec import to_rfc3339
from dispatch.commands import TakeInWork
from dispatch.engine import FUTURE_TOLERANCE_S
from dispatch.model import StopKind
from dispatch.records import Proof, ProofKind, StopOutcome, WorkReport
from dispatch.rules.late import Settled, settle
from dispatch.rules.reports import named
from dispatch.state import OrderState

Json = dict[str, Any]

_UNSAID: Final = "no reason given"
_NEEDS_REASON: Final = frozenset({StopOutcome.FAILED, StopOutcome.DECLINED})


async def check_reports(service: Service, sent: Sequence[WorkReportIn]) -> None:
    """Hold that a batch can be taken in as it is, before anything of it is.

    Raises
    ------
    Problem
        A time to come, a proof that does not say what its kind needs, a picture that was not
        sent; with a pointer, and for times with a list of all of them.
    """
    _refuse_future(service.live, sent)
    ledger, zone_id = service.live.ledger, service.live.zone_id
    for index, report in enumerate(sent):
        _proofs(index, report)
        for number, proof in enumerate(report.proofs):
            blob_id = proof.blob_id
            if blob_id is None:
                continue
            if not await asyncio.to_thread(ledger.has_blob, zone_id, blob_id):
                pointer = f"/reports/{index}/proofs/{number}/blob_id"
                raise Problem(
                    "invalid_request",
                    f"{pointer}: names no picture: {blob_id}; send it first.",
                    {"pointer": pointer},
                )


def _refuse_future(live: Live, sent: Sequence[WorkReportIn]) -> None:
    now = live.clock.now()
    errors = [
        {
            "pointer": f"/reports/{index}/occurred_at",
            "detail": f"is {report.occurred_at - now} s in the future",
        }
        for index, report in enumerate(sent)
        if report.occurred_at > now + FUTURE_TOLERANCE_S
    ]
    if errors:
        raise Problem(
            "time_in_future",
            f"{len(errors)} of {len(sent)} reports are of a time to come; set the device's clock. "
            "None of them was taken in.",
            {"pointer": errors[0]["pointer"], "errors": errors},
        )


def _proofs(index: int, report: WorkReportIn) -> tuple[Proof, ...]:
    try:
        return as_proofs(report.proofs)
    except Problem as problem:
        extra = dict(problem.extra)
        if "pointer" in extra:
            extra["pointer"] = f"/reports/{index}{extra['pointer']}"
        extra.pop("errors", None)
        raise Problem(problem.code, problem.detail, extra) from problem


def take_in(service: Service, courier_id: str, sent: Sequence[WorkReportIn]) -> couriers.Settled:
    """Take a batch in and say what became of each report; on the engine's thread."""
    live = service.live
    reports = tuple(_work_report(service, index, report) for index, report in enumerate(sent))
    command = TakeInWork(courier_id, reports)
    engine = live.engine
    settled, _ = settle(engine.state, command, live.clock.now(), engine.policy)
    recorded = live.handle(command)
    return {
        "reports": [view(one) for one in settled],
        "events": [type(entry.event).__name__ for entry in recorded],
    }


def _work_report(service: Service, index: int, sent: WorkReportIn) -> WorkReport:
    proofs = _proofs(index, sent)
    found = named(service.live.engine.state, sent.stop_id)
    if (
        found is not None
        and found[1] is StopKind.DROPOFF
        and not _is_pin_right(service, found[0], sent)
    ):
        proofs = tuple(proof for proof in proofs if proof.kind is not ProofKind.PIN)
    reason = sent.reason or (_UNSAID if sent.outcome in _NEEDS_REASON else "")
    return WorkReport(sent.stop_id, sent.outcome, sent.occurred_at, reason, proofs)


def _is_pin_right(service: Service, order: OrderState, sent: WorkReportIn) -> bool:
    """Tell whether the PIN of a report is the customer's; a wrong one proves nothing."""
    said = [proof.value for proof in sent.proofs if proof.kind is ProofKind.PIN]
    try:
        for value in said:
            check_pin(service, order, value or "")
    except Problem:
        return False
    return True


def view(one: Settled) -> couriers.SettledReport:
    """Return what became of a report."""
    row: couriers.SettledReport = {
        "stop_id": one.report.stop_id,
        "outcome": one.report.outcome.value,
        "occurred_at": to_rfc3339(one.report.occurred_at),
        "result": one.result.value,
        "rule": None if one.rule is None else one.rule.value,
        "detail": one.outcome or None,
        "events": [type(event).__name__ for event in one.events],
    }
    if one.rule is None:
        row["code"] = "unknown_id"
        row["detail"] = f"There is no stop {one.report.stop_id}."
    return row
