"""Work that was done while nobody could hear of it, and what becomes of it.  Pure.

Where the network was gone, a courier's device keeps what was done with its own time and sends it
later.  The reports of a batch are taken in by that time (a pickup before what came of it), each
on what the ones before it made of the world.  What truly happened is never refused: it is taken,
or it is known already, or it is noted because something else holds by now.

| rule | when | what holds |
|---|---|---|
| `in_order` | the stop was told, and is reported in its turn | taken like a live report |
| `already_known` | the same was heard before | nothing new, no event |
| `implied_commitment` | done before we told it, with the goods in hand | told, there and done |
| `implied_pick` | fetched, and the store never said it was ready | the picking is made up for |
| `implied_pickup` | told to fetch, and reported at the door | fetched before that |
| `cancelled_meanwhile` | cancelled, but in hand | brought if it was brought, else it goes back |
| `reassigned_meanwhile` | fetched, though somebody else was told to | that one is released |
| `taken_by_other` | the goods are in somebody else's bag | the pickup in the log stands; noted |
| `done_by_other` | somebody else ended the order | noted |
| `ended_before` | the order ended otherwise by the same courier | noted |
| `overtaken` | something later says otherwise | noted |
| `not_in_bag` | brought or returned, never fetched | noted |
| `not_told` | at a stop, or declined, without being told | noted |
| `not_possible` | an outcome that such a stop cannot have | noted |
| `unproven` | brought without the proof it needed | taken, and noted besides |

Two couriers who both say they fetched a parcel: the pickup that is in the log stands, whoever was
first by the devices' clocks, and nobody's stop is undone; the note says both times.  Everything
but `in_order` and `already_known` is noted on the order (`ConflictNoted`); `WorkTakenIn` at the
end of the batch keeps each report with its rule, so that the same batch again changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from dispatch import commands as c
from dispatch import events as e
from dispatch.codec import to_rfc3339
from dispatch.model import DeliveryStatus, OrderStatus, Policy, Stop, StopKind
from dispatch.records import SettledReport, StopOutcome, WorkReport
from dispatch.rules.context import Context, Rule, Timer
from dispatch.rules.late_work import LateWork
from dispatch.rules.reports import named
from dispatch.rules.stops import required_proofs
from dispatch.state import OrderState, State

_D = DeliveryStatus
_O = StopOutcome
_TOLD: Final = frozenset({_D.ENROUTE_TO_PICKUP, _D.ARRIVED_AT_PICKUP})
_KIND_RANK: Final = {StopKind.PICKUP: 0, StopKind.DROPOFF: 1, StopKind.RETURN: 2}
_OUTCOME_RANK: Final = {_O.ARRIVED: 0, _O.DECLINED: 1, _O.FAILED: 2, _O.COMPLETED: 3}


class LateRule(StrEnum):
    """Names of the rules by which late reports are settled."""

    IN_ORDER = "in_order"
    ALREADY_KNOWN = "already_known"
    IMPLIED_COMMITMENT = "implied_commitment"
    IMPLIED_PICK = "implied_pick"
    IMPLIED_PICKUP = "implied_pickup"
    CANCELLED_MEANWHILE = "cancelled_meanwhile"
    REASSIGNED_MEANWHILE = "reassigned_meanwhile"
    TAKEN_BY_OTHER = "taken_by_other"
    DONE_BY_OTHER = "done_by_other"
    ENDED_BEFORE = "ended_before"
    OVERTAKEN = "overtaken"
    NOT_IN_BAG = "not_in_bag"
    NOT_TOLD = "not_told"
    NOT_POSSIBLE = "not_possible"
    UNPROVEN = "unproven"


class Result(StrEnum):
    """What became of a report, in one word."""

    TAKEN = "taken"
    ALREADY = "already"
    NOTED = "noted"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of one report.

    Attributes
    ----------
    rule
        Name of the rule, None for a stop that we never had.
    outcome
        What holds now, in words; empty where nothing is to be said.
    events
        The facts that follow.
    """

    report: WorkReport
    result: Result
    rule: LateRule | None
    outcome: str
    events: tuple[e.Event, ...]


@dataclass(frozen=True, slots=True)
class _Verdict:
    result: Result
    rules: tuple[LateRule, ...]
    outcome: str = ""


_ALREADY: Final = _Verdict(Result.ALREADY, (LateRule.ALREADY_KNOWN,))


def _noted(rule: LateRule, outcome: str) -> _Verdict:
    return _Verdict(Result.NOTED, (rule,), outcome)


def _taken(*rules: LateRule, outcome: str = "taken as it was done") -> _Verdict:
    return _Verdict(Result.TAKEN, rules or (LateRule.IN_ORDER,), outcome)


def settle(
    state: State, command: c.TakeInWork, now: int, policy: Policy
) -> tuple[tuple[Settled, ...], tuple[e.Event, ...]]:
    """Settle every report of a batch.

    Returns
    -------
    tuple
        What became of each report, in the sender's order; and all facts, in the log's.

    Raises
    ------
    UnknownIdError
        There is no such courier.
    """
    state.courier(command.courier_id)
    batch = _Batch(state, command, now, policy)
    return batch.run()


class _Batch:
    """The reports of one batch, settled by device time."""

    def __init__(self, state: State, command: c.TakeInWork, now: int, policy: Policy) -> None:
        self._courier_id = command.courier_id
        self._reports = command.reports
        accepts = policy.silence_accepts
        self._work = LateWork(state, command.courier_id, now, silence_accepts=accepts)
        self._brought = {r.stop_id for r in self._reports if r.outcome is _O.COMPLETED}
        self._fetched_at: dict[str, int] = {}
        for report in self._reports:
            found = named(state, report.stop_id)
            if found and found[1] is StopKind.PICKUP and report.outcome is _O.COMPLETED:
                self._fetched_at.setdefault(found[0].order_id, report.occurred_at)

    def run(self) -> tuple[tuple[Settled, ...], tuple[e.Event, ...]]:
        """Settle all of them."""
        settled: dict[int, Settled] = {}
        kept: list[SettledReport] = []
        for index in sorted(range(len(self._reports)), key=self._place):
            report = self._reports[index]
            settled[index] = self._settle(report)
            rule = settled[index].rule
            found = named(self._work.state, report.stop_id)
            if rule is not None and found is not None:
                kept.append(SettledReport(found[0].order_id, report, rule.value))
        self._work.take_up_again()
        self._work.leave_bag()
        if self._work.facts:
            new = tuple(known for known in kept if not self._is_heard(known.report))
            self._work.tell(e.WorkTakenIn(self._courier_id, new))
        in_order = tuple(settled[index] for index in range(len(self._reports)))
        return in_order, tuple(self._work.facts)

    def _place(self, index: int) -> tuple[int, int, int, int]:
        """Return where a report comes: by its time, goods fetched before anything else of them."""
        report = self._reports[index]
        at = report.occurred_at
        found = named(self._work.state, report.stop_id)
        if found is None:
            return (at, 0, 0, index)
        order, kind = found
        if kind is not StopKind.PICKUP:
            at = max(at, self._fetched_at.get(order.order_id, at))
        return (at, _KIND_RANK.get(kind, 0), _OUTCOME_RANK[report.outcome], index)

    def _settle(self, report: WorkReport) -> Settled:
        found = named(self._work.state, report.stop_id)
        if found is None or found[1] is StopKind.BREAK:
            return Settled(report, Result.UNKNOWN, None, "", ())
        before = len(self._work.facts)
        order, kind = found
        if self._is_heard(report):
            verdict = _ALREADY
        elif order.delivery is _D.CREATED:
            verdict = _noted(LateRule.NOT_TOLD, "it is collected at the store")
        elif kind is StopKind.PICKUP:
            verdict = self._pickup(order, report)
        elif kind is StopKind.DROPOFF:
            verdict = self._dropoff(order, report)
        else:
            verdict = self._return(order, report)
        for rule in verdict.rules:
            if rule not in {LateRule.IN_ORDER, LateRule.ALREADY_KNOWN}:
                self._note(order, report, rule, verdict.outcome)
        facts = tuple(self._work.facts[before:])
        return Settled(report, verdict.result, verdict.rules[0], verdict.outcome, facts)

    def _note(self, order: OrderState, report: WorkReport, rule: LateRule, said: str) -> None:
        noted = e.ConflictNoted(self._courier_id, order.order_id, report, rule.value, said)
        self._work.tell(noted)

    def _is_heard(self, report: WorkReport) -> bool:
        found = named(self._work.state, report.stop_id)
        key = (self._courier_id, report.stop_id, report.outcome.value, report.occurred_at)
        return found is not None and key in found[0].heard

    def _is_mine(self, order: OrderState) -> bool:
        return order.courier_id == self._courier_id and not order.is_carried_outside

    def _will_be(self, order: OrderState, kind: StopKind) -> bool:
        """Tell whether this batch says that a stop of the order was done."""
        return Stop(kind, order.order_id, order.store_id).stop_id in self._brought

    def _ended(self, order: OrderState) -> _Verdict:
        """Return the verdict on a report about an order that ended in another way."""
        when = to_rfc3339(order.closed_at) if order.closed_at is not None else "before"
        if self._is_mine(order):
            said = f"it was {order.delivery.value} at {when} by the same courier"
            return _noted(LateRule.ENDED_BEFORE, said)
        by = _holder(order)
        return _noted(LateRule.DONE_BY_OTHER, f"it was {order.delivery.value} at {when} by {by}")

    def _in_other_hands(self, order: OrderState) -> _Verdict:
        at = order.picked_up_at
        when = to_rfc3339(at) if at is not None else "before"
        said = f"it is in the bag of {_holder(order)}, fetched at {when}; that stands"
        return _noted(LateRule.TAKEN_BY_OTHER, said)

    # --- pickups -------------------------------------------------------------------------------

    def _pickup(self, order: OrderState, report: WorkReport) -> _Verdict:  # noqa: PLR0911  a table
        gone = order.delivery in {_D.DELIVERED, _D.RETURNED}
        done = report.outcome is _O.COMPLETED
        if self._is_mine(order) and (order.on_board or gone):
            if report.outcome in {_O.ARRIVED, _O.COMPLETED}:
                return _ALREADY
            return _noted(LateRule.OVERTAKEN, "the courier has fetched it since")
        if order.on_board or gone:
            return self._in_other_hands(order) if order.on_board else self._ended(order)
        if order.delivery is _D.CANCELLED:
            if not done:
                return _noted(LateRule.CANCELLED_MEANWHILE, "nothing is to be fetched any more")
            back = not self._will_be(order, StopKind.DROPOFF)
            at = report.occurred_at
            revived = e.OrderRevived(order.order_id, self._courier_id, at, returning=back)
            self._work.tell(revived)
            said = "it is in the bag and goes back" if back else "it was fetched and brought"
            return _taken(LateRule.CANCELLED_MEANWHILE, outcome=said)
        if done:
            return self._fetch(order, report)
        return self._at_pickup(order, report)

    def _at_pickup(self, order: OrderState, report: WorkReport) -> _Verdict:
        """Return the verdict on who stood at a counter, or would not or could not fetch."""
        told = self._work.told(report.stop_id)
        if report.outcome is _O.ARRIVED:
            if told is not None and told.arrived_at is not None:
                return _ALREADY
            if told is None and not self._will_be(order, StopKind.PICKUP):
                return _noted(LateRule.NOT_TOLD, "being there takes nothing from anybody")
            rules = () if told is not None else self._freed(order, report)
            self._work.reach(self._stop(StopKind.PICKUP, order), report.occurred_at)
            return _taken(*rules)
        if told is None:
            if self._courier_id in order.declined_by:
                return _ALREADY
            return _noted(LateRule.NOT_TOLD, "it was not theirs to decline")
        self._work.forget(report.stop_id)
        at = max(report.occurred_at, told.committed_at)
        self._work.tell(e.StopDeclined(self._courier_id, order.order_id, report.reason, at))
        return _taken()

    def _fetch(self, order: OrderState, report: WorkReport) -> _Verdict:
        """Take goods into the bag that were at the store, or at a point."""
        at, since = report.occurred_at, order.picked_up_at
        if since is not None and at <= since:
            return _noted(LateRule.OVERTAKEN, "it was fetched then, and waits elsewhere by now")
        told = self._work.told(report.stop_id)
        rules = () if told is not None else self._freed(order, report)
        stop = self._stop(StopKind.PICKUP, order)
        if self._work.pick_up(self._work.state.order(order.order_id), stop, report):
            rules = (*rules, LateRule.IMPLIED_PICK)
        return _taken(*rules)

    def _freed(self, order: OrderState, report: WorkReport) -> tuple[LateRule, ...]:
        """Take an order from whoever else was told to fetch it; returns the rule of that."""
        reason = f"{self._courier_id} has it"
        if order.is_carried_outside and order.carriage is not None:
            at, carrier = report.occurred_at, order.carriage.carrier
            self._work.tell(e.CarriageEnded(order.order_id, carrier, reason, at))
            return (LateRule.REASSIGNED_MEANWHILE,)
        if order.courier_id is not None:
            self._work.tell(e.StopReleased(order.courier_id, order.order_id, reason))
            return (LateRule.REASSIGNED_MEANWHILE,)
        return (LateRule.IMPLIED_COMMITMENT,)

    # --- doors ---------------------------------------------------------------------------------

    def _dropoff(self, order: OrderState, report: WorkReport) -> _Verdict:  # noqa: PLR0911  a table
        done = report.outcome is _O.COMPLETED
        if order.delivery is _D.DELIVERED and self._is_mine(order):
            before = report.occurred_at <= (order.closed_at or 0)
            known = done or (report.outcome in {_O.ARRIVED, _O.FAILED} and before)
            return _ALREADY if known else self._ended(order)
        if order.delivery in {_D.DELIVERED, _D.RETURNED}:
            return self._ended(order)
        if report.outcome is _O.DECLINED:
            return _noted(LateRule.NOT_POSSIBLE, "goods in a bag are brought, or come back")
        if order.delivery is _D.CANCELLED or order.status is OrderStatus.CANCELLED:
            return self._cancelled_at_door(order, report)
        if not order.on_board:
            return self._unfetched(order, report)
        if not self._is_mine(order):
            return self._in_other_hands(order)
        failed_at = _last_failure(order)
        if not done and failed_at is not None and report.occurred_at <= failed_at:
            return _ALREADY
        if order.returning:
            return self._tried_again(order, report)
        told = self._work.told(report.stop_id)
        if report.outcome is _O.ARRIVED and told is not None and told.arrived_at is not None:
            return _ALREADY
        self._at_door(order, report)
        return _taken() if told is not None else _taken(LateRule.IMPLIED_COMMITMENT)

    def _cancelled_at_door(self, order: OrderState, report: WorkReport) -> _Verdict:
        if order.on_board and not self._is_mine(order):
            return self._in_other_hands(order)
        brought = self._will_be(order, StopKind.DROPOFF)
        if report.outcome is _O.FAILED or not brought:
            said = "it goes back" if order.on_board else "nothing is to be brought any more"
            return _noted(LateRule.CANCELLED_MEANWHILE, said)
        self._work.tell(e.OrderRevived(order.order_id, self._courier_id, report.occurred_at))
        self._at_door(self._work.state.order(order.order_id), report)
        return _taken(LateRule.CANCELLED_MEANWHILE, outcome="it was brought all the same")

    def _unfetched(self, order: OrderState, report: WorkReport) -> _Verdict:
        """Return the verdict on goods that were never in this bag by what we know."""
        theirs = self._is_mine(order) and order.delivery in _TOLD
        if not theirs or report.outcome is _O.ARRIVED:
            return _noted(LateRule.NOT_IN_BAG, "nobody has fetched it yet")
        stop = self._stop(StopKind.PICKUP, order)
        fetched = WorkReport(stop.stop_id, _O.COMPLETED, report.occurred_at)
        picked = self._work.pick_up(order, stop, fetched)
        self._at_door(self._work.state.order(order.order_id), report)
        rules = (LateRule.IMPLIED_PICKUP, *((LateRule.IMPLIED_PICK,) if picked else ()))
        return _taken(*rules)

    def _tried_again(self, order: OrderState, report: WorkReport) -> _Verdict:
        """Return the verdict on a door that was tried once more on the way back."""
        if report.outcome is _O.ARRIVED and not self._will_be(order, StopKind.DROPOFF):
            return _noted(LateRule.OVERTAKEN, "the delivery has failed and its goods go back")
        who, at = self._courier_id, report.occurred_at
        self._work.tell(e.RetryGranted(order.order_id, who, "tried again without asking", at))
        self._at_door(self._work.state.order(order.order_id), report)
        return _taken(LateRule.IMPLIED_COMMITMENT)

    def _at_door(self, order: OrderState, report: WorkReport) -> None:
        here = self._work.reach(self._stop(StopKind.DROPOFF, order), report.occurred_at)
        if report.outcome is _O.ARRIVED:
            return
        at = max(report.occurred_at, here.arrived_at or report.occurred_at)
        self._work.show(here.stop, report, at)
        who, order_id = self._courier_id, order.order_id
        if report.outcome is _O.FAILED:
            self._work.tell(e.DeliveryFailed(who, order_id, report.reason, at))
            return
        given = {proof.kind for proof in report.proofs}
        lacking = [kind.value for kind in required_proofs(order) if kind not in given]
        self._work.tell(e.OrderDelivered(who, order_id, at))
        if lacking:
            said = f"it was brought without {' and '.join(lacking)}"
            self._note(order, report, LateRule.UNPROVEN, said)

    # --- returns -------------------------------------------------------------------------------

    def _return(self, order: OrderState, report: WorkReport) -> _Verdict:  # noqa: PLR0911  a table
        done = report.outcome is _O.COMPLETED
        if order.delivery is _D.RETURNED and self._is_mine(order):
            return _ALREADY if done or report.outcome is _O.ARRIVED else self._ended(order)
        if order.delivery is _D.CANCELLED:
            return _noted(LateRule.CANCELLED_MEANWHILE, "by the log it never left the store")
        if order.is_closed:
            return self._ended(order)
        if not order.on_board:
            return _noted(LateRule.NOT_IN_BAG, "nobody has fetched it yet")
        if not self._is_mine(order):
            return self._in_other_hands(order)
        if report.outcome in {_O.FAILED, _O.DECLINED}:
            return _noted(LateRule.NOT_POSSIBLE, "goods that go back come to their store")
        told = self._work.told(report.stop_id)
        if not done and told is not None and told.arrived_at is not None:
            return _ALREADY
        if not done and not order.returning and not self._will_be(order, StopKind.RETURN):
            return _noted(LateRule.NOT_TOLD, "it is to be brought to its door")
        here = self._work.reach(self._stop(StopKind.RETURN, order), report.occurred_at)
        if done:
            at = max(report.occurred_at, here.arrived_at or report.occurred_at)
            self._work.show(here.stop, report, at)
            who, store_id = self._courier_id, here.stop.store_id
            self._work.tell(e.ParcelReturned(who, order.order_id, store_id, at))
        return _taken() if told is not None else _taken(LateRule.IMPLIED_COMMITMENT)

    def _stop(self, kind: StopKind, order: OrderState) -> Stop:
        store_id = order.shelf_store_id if kind is StopKind.RETURN else order.store_id
        return Stop(kind, order.order_id, store_id)


def _holder(order: OrderState) -> str:
    """Return who has or had an order."""
    if order.carriage is not None and order.is_carried_outside:
        return order.carriage.carrier
    return order.courier_id or "somebody else"


def _last_failure(order: OrderState) -> int | None:
    name = e.DeliveryFailed.__name__
    return max((at for at, event in order.timeline if event == name), default=None)


def _take_in_work(state: State, command: c.TakeInWork, context: Context) -> Sequence[e.Event]:
    return settle(state, command, context.now, context.policy)[1]


RULES: Final[Mapping[type[Any], Rule]] = MappingProxyType({c.TakeInWork: _take_in_work})
"""The rule of each command; all raise `DispatchError` when the command does not fit."""

TIMERS: Final[tuple[Timer, ...]] = ()
"""What happens by itself."""
