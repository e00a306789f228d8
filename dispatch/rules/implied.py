"""What must have happened in the store when goods turn out to have left it.  Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from dispatch import events as e
from dispatch.folds.pieces import amounts, changed_by
from dispatch.model import OrderStatus
from dispatch.records import Substitution, SubstitutionAnswer
from dispatch.state import UNPICKED, OrderState


def implied_pick(order: OrderState, at: int, *, silence_accepts: bool) -> Iterator[e.Event]:
    """Yield the picking of an order that was fetched although its store never said it was ready.

    A substitution that nobody answered goes by the policy; where that would leave nothing, what
    was offered instead is what was fetched.
    """
    if order.waits_at_point:
        # Picked long ago, and cancelled since perhaps: at a point nobody picks.
        return
    if order.status in UNPICKED:
        yield e.PickStarted(order.order_id, order.store_id, at)
    at = max(at, order.pick_started_at or at)
    pending = [s for s in order.substitutions if s.answer is SubstitutionAnswer.PENDING]
    accepted = silence_accepts or not _left(order, pending)
    for offered in pending:
        answered = replace(offered, answer=SubstitutionAnswer.SILENT, accepted=accepted)
        yield e.SubstitutionAnswered(order.order_id, order.store_id, answered, at)
    if order.status is not OrderStatus.READY:
        yield e.PickCompleted(order.order_id, order.store_id, at)


def _left(order: OrderState, refused: list[Substitution]) -> bool:
    """Tell whether anything is left of an order without what some substitutions stand for."""
    left = changed_by(amounts(order.order.lines), {})
    for offered in refused:
        left = changed_by(left, {offered.sku: -offered.quantity})
    return bool(left)
