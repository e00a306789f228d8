"""One courier's work as it is taken in afterwards: facts made one by one, each on the last.  Pure.

Nothing here decides whether a report is believed; `dispatch.rules.late` does.
"""

from __future__ import annotations

from typing import Final

from dispatch import events as e
from dispatch.apply import apply
from dispatch.model import DeliveryStatus, Stop, StopKind
from dispatch.records import WorkReport
from dispatch.rules.implied import implied_pick
from dispatch.rules.stranding import bag_point
from dispatch.state import Commitment, CourierState, OrderState, State

_D = DeliveryStatus
_BEFORE_PICKUP: Final = frozenset({_D.ENROUTE_TO_PICKUP, _D.ARRIVED_AT_PICKUP})


class LateWork:
    """The state while a batch is taken in, and the facts made so far.

    Parameters
    ----------
    now
        When the batch was heard.
    silence_accepts
        What becomes of substitutions that nobody answered.
    """

    def __init__(self, state: State, courier_id: str, now: int, *, silence_accepts: bool) -> None:
        self.state = state
        self.courier_id = courier_id
        self.facts: list[e.Event] = []
        self._now = now
        self._silence_accepts = silence_accepts
        self._aside: dict[str, Commitment] = {}

    @property
    def courier(self) -> CourierState:
        """The courier as they are by now."""
        return self.state.courier(self.courier_id)

    def tell(self, *events: e.Event) -> None:
        """Add facts."""
        for event in events:
            recorded = e.Recorded(self.state.zone_id, self.state.seq + 1, self._now, event)
            self.state = apply(self.state, recorded)
            self.facts.append(event)

    # --- stops ---------------------------------------------------------------------------------

    def told(self, stop_id: str) -> Commitment | None:
        """Return the commitment to a stop, or the offer of it; None when there is none."""
        present = self.courier.commitment
        if present is not None and present.stop.stop_id == stop_id:
            return present
        return self._aside.get(stop_id)

    def reach(self, stop: Stop, at: int) -> Commitment:
        """Let the courier stand at a stop since `at` or before; returns the commitment to it."""
        present = self.courier.commitment
        if present is not None and present.stop.stop_id != stop.stop_id:
            self._put_aside(present)
            present = None
        if present is None:
            known = self._aside.pop(stop.stop_id, None)
            if known is None:
                self.tell(e.StopCommitted(self.courier_id, stop, at, at))
            else:
                self._tell_again(known)
        elif present.offered_until is not None:
            began = max(at, present.committed_at)
            self.tell(
                e.OfferAccepted(self.courier_id, stop.order_id, began),
                e.StopCommitted(self.courier_id, present.stop, present.expected_at, began),
            )
        present = self._present()
        if present.arrived_at is None:
            arrived_at = max(at, present.committed_at)
            self.tell(e.StopArrived(self.courier_id, present.stop, arrived_at))
        return self._present()

    def pick_up(self, order: OrderState, stop: Stop, report: WorkReport) -> bool:
        """Put an order in the bag; tells whether its picking had to be made up for."""
        here = self.reach(stop, report.occurred_at)
        at = max(report.occurred_at, here.arrived_at or report.occurred_at)
        pick = list(implied_pick(order, at, silence_accepts=self._silence_accepts))
        self.tell(*pick)
        self.show(here.stop, report, at)
        self.tell(e.ParcelPickedUp(self.courier_id, order.order_id, stop.store_id, at))
        return bool(pick)

    def show(self, stop: Stop, report: WorkReport, at: int) -> None:
        """Take the proofs of a report."""
        self.tell(*(e.ProofTaken(self.courier_id, stop, proof, at) for proof in report.proofs))

    def forget(self, stop_id: str) -> None:
        """Let go of a stop that was put aside."""
        self._aside.pop(stop_id, None)

    def take_up_again(self) -> None:
        """Put the courier back to what they were told, where that is still to be done.

        Where they were seen last, by their own clock, is where they are; what they were told
        besides is not theirs any more.
        """
        present = self.courier.commitment
        left = [known for known in self._aside.values() if self._is_open(known)]
        self._aside.clear()
        where = max([*left, *([present] if present is not None else [])], key=_seen, default=None)
        if present is not None and where is not present:
            left.append(present)
        for known in left:
            if known is not where:
                order_id = known.stop.order_id
                self.tell(e.StopReleased(self.courier_id, order_id, "did another stop first"))
        if where is not None and where is not present:
            self._tell_again(where)

    def leave_bag(self) -> None:
        """Leave what turned out to be in the bag of somebody who cannot go on for others."""
        courier, who = self.courier, self.courier_id
        if courier.stranded is None:
            return
        present = courier.commitment
        if present is not None and present.stop.kind is StopKind.PICKUP:
            self.tell(e.StopReleased(who, present.stop.order_id, courier.stranded))
        left = tuple(key for key in courier.on_board if not self.state.order(key).returning)
        if left or present is not None:
            # An id of its own: no two events have the same place in the log.
            store_id = f"pnt_late{self.state.seq + 1}"
            point = bag_point(store_id, courier, courier.place) if left else None
            self.tell(e.CourierStranded(who, courier.stranded, left, point, self._now))

    def _present(self) -> Commitment:
        present = self.courier.commitment
        if present is None:
            raise TypeError("a courier who was told a stop has none")
        return present

    def _put_aside(self, present: Commitment) -> None:
        if present.offered_until is not None:
            order_id = present.stop.order_id
            self.tell(e.StopReleased(self.courier_id, order_id, "was busy with another stop"))
        else:
            self._aside[present.stop.stop_id] = present

    def _tell_again(self, known: Commitment) -> None:
        self.tell(
            e.StopCommitted(self.courier_id, known.stop, known.expected_at, known.committed_at)
        )
        if known.arrived_at is not None:
            self.tell(e.StopArrived(self.courier_id, known.stop, known.arrived_at))

    def _is_open(self, known: Commitment) -> bool:
        """Tell whether a stop is still to be done by this courier."""
        order = self.state.orders.get(known.stop.order_id)
        if order is None or order.courier_id != self.courier_id:
            return False
        if known.stop.kind is StopKind.PICKUP:
            return order.delivery in _BEFORE_PICKUP
        return order.on_board and order.returning == (known.stop.kind is StopKind.RETURN)


def _seen(known: Commitment) -> tuple[bool, int]:
    """Return how late somebody was seen at a stop; being there counts before being told."""
    arrived_at = known.arrived_at
    return (arrived_at is not None, known.committed_at if arrived_at is None else arrived_at)
