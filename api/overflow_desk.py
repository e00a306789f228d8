"""What the service does with courier companies: ask for bids, book, call off, hear how far it is.

Companies are asked on threads of this desk's own, never on the engine's: one that is slow costs
only whoever asked.  A booking is made before its event, and called off when there is none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from api.live import Live
from api.logs import logger
from api.overflow import Bid, CourierCompany, CourierCompanyError, Job, JobRefusedError
from api.problems import Problem
from api.shapes import desk
from dispatch import events as e
from dispatch.codec import to_rfc3339
from dispatch.commands import BookCarriage, EndCarriage, ReportCarriage
from dispatch.errors import ConflictError, DispatchError, UnknownIdError, WrongStateError
from dispatch.model import DeliveryStatus, Unassigned
from dispatch.records import Carriage
from dispatch.rules.carriage import refuse_unbookable
from dispatch.rules.context import open_order
from dispatch.state import OrderState

_log = logger("overflow")
_T = TypeVar("_T")
Json = dict[str, Any]

_THREADS: Final = 8
_PAGE: Final = 500
_HEARTBEAT_S: Final = 15.0


@dataclass(frozen=True, slots=True)
class _Candidate:
    job: Job
    order: OrderState
    unassigned: Unassigned | None


class OverflowDesk:
    """The outside companies of one zone.

    Parameters
    ----------
    companies
        By name.
    """

    def __init__(self, live: Live, companies: Mapping[str, CourierCompany]) -> None:
        self._live = live
        self._companies = companies
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="overflow")
        self._booking: set[str] = set()
        self._called_off: set[tuple[str, str]] = set()
        self._following: asyncio.Task[None] | None = None

    def company(self, name: str) -> CourierCompany:
        """Return a company; raises `UnknownIdError`."""
        found = self._companies.get(name)
        if found is None:
            known = ", ".join(sorted(self._companies)) or "none"
            raise UnknownIdError(f"there is no courier company {name}; there is {known}")
        return found

    def start(self) -> None:
        """Begin to follow the log, where there is any company."""
        if self._companies:
            self._following = asyncio.create_task(self._follow(), name="overflow")

    async def stop(self) -> None:
        """Follow the log no more."""
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)

    def close(self) -> None:
        """Let go of the companies."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for company in self._companies.values():
            company.close()

    # --- bids ----------------------------------------------------------------------------------

    async def candidates(self, limit: int) -> desk.Bookables:
        """Return the orders that could be given away, most pressing first, with bids for them."""
        found = await self._live.run(lambda: self._candidates(limit))
        asked = [(one, name) for one in found for name in sorted(self._companies)]
        answers = await asyncio.gather(
            *(self._bid(self._companies[name], one.job) for one, name in asked)
        )
        failed: dict[str, str] = {}
        bids: dict[str, list[desk.Bid]] = {one.order.order_id: [] for one in found}
        for (one, name), answer in zip(asked, answers, strict=True):
            if isinstance(answer, CourierCompanyError):
                failed[name] = str(answer)
            elif answer is not None:
                bids[one.order.order_id].append(_bid_row(name, answer, one.order))
        return {
            "data": [_row(one, bids[one.order.order_id]) for one in found],
            "failed": [
                {"carrier": name, "detail": detail} for name, detail in sorted(failed.items())
            ],
        }

    async def _bid(self, company: CourierCompany, job: Job) -> Bid | CourierCompanyError | None:
        try:
            return await self._outside(lambda: company.quote(job))
        except CourierCompanyError as error:
            return error

    def _candidates(self, limit: int) -> list[_Candidate]:
        state, now = self._live.engine.state, self._live.clock.now()
        at_risk = self._live.kpis.at_risk(now)
        left = {u.order_id: u for u in state.plan.unassigned} if state.plan is not None else {}
        found = [
            _Candidate(self._job(order), order, left.get(order_id))
            for order_id, order in state.orders.items()
            if (order_id in left or order_id in at_risk) and _is_bookable(order)
        ]
        found.sort(
            key=lambda one: (one.unassigned is None, one.order.promise.latest, one.order.order_id)
        )
        return found[:limit]

    def _job(self, order: OrderState, updates_url: str = "") -> Job:
        """Return an order as a job; on the engine's thread."""
        bought, store = order.order, self._live.engine.state.store(order.store_id).store
        now = self._live.clock.now()
        addresses = {known.store_id: known.address for known in self._live.city.stores}
        return Job(
            job_id=f"{order.order_id}-{now}",
            order_id=order.order_id,
            parcel_id=order.parcel_id,
            asked_at=now,
            pickup=store.location,
            pickup_name=store.name,
            pickup_address=addresses.get(store.store_id, ""),
            ready_at=order.ready_at if order.ready_at is not None else order.ready_forecast,
            dropoff=bought.door,
            dropoff_address=bought.address,
            note=bought.note,
            phone=bought.phone,
            earliest=order.promise.earliest,
            latest=order.promise.latest,
            weight_g=bought.weight_g,
            volume_ml=bought.volume_ml,
            chilled=bought.chilled,
            age_limit=bought.age_limit,
            pin_required=bought.pin_required,
            updates_url=updates_url,
        )

    # --- booking -------------------------------------------------------------------------------

    async def book(
        self, order_id: str, carrier: str, owner: str, reason: str, updates_url: str
    ) -> Carriage:
        """Give an order to a company; returns what was agreed, the same when it has it already.

        Raises
        ------
        DispatchError
            The order is unknown, or cannot be given away as it is; nothing was booked.
        Problem
            The company gave no usable answer, or does not take it.
        """
        company = self._companies.get(carrier)
        if company is None:
            known = ", ".join(sorted(self._companies)) or "none"
            raise Problem(
                "invalid_value",
                f"There is no courier company {carrier}; there is {known}.",
                {"pointer": "/carrier"},
            )
        if order_id in self._booking:
            raise ConflictError(f"order {order_id} is being given to a company at this moment")
        self._booking.add(order_id)
        try:
            return await self._book(company, order_id, owner, reason, updates_url)
        finally:
            self._booking.discard(order_id)

    async def _book(
        self, company: CourierCompany, order_id: str, owner: str, reason: str, updates_url: str
    ) -> Carriage:
        asked = await self._live.run(lambda: self._bookable(company.name, order_id, updates_url))
        if isinstance(asked, Carriage):
            return asked
        bid = await self._answered(lambda: company.quote(asked))
        if bid is None:
            raise _refused(f"{company.name} does not take order {order_id}")
        try:
            reference = await self._answered(lambda: company.book(asked))
        except Problem:
            # Nobody knows whether it has the job: it is called off by our own id.
            await self._call_off(company, asked.job_id)
            raise
        command = BookCarriage(
            order_id, company.name, reference, bid.cost_cents, bid.dropoff_at, owner, reason
        )
        try:
            await self._live.run(lambda: self._live.handle(command))
        except DispatchError:
            await self._call_off(company, reference)
            raise
        return await self._live.run(lambda: self.carriage(order_id))

    def _bookable(self, carrier: str, order_id: str, updates_url: str) -> Job | Carriage:
        """Return the job, or what was agreed on when the company has it already."""
        order = open_order(self._live.engine.state, order_id, "carried")
        known = order.carriage
        if known is not None and not known.ended and known.carrier == carrier:
            return known
        refuse_unbookable(order)
        return self._job(order, updates_url)

    def carriage(self, order_id: str) -> Carriage:
        """Return what was agreed for an order last; raises `UnknownIdError`."""
        found = self._live.engine.state.order(order_id).carriage
        if found is None:
            raise UnknownIdError(f"order {order_id} was never given to a courier company")
        return found

    # --- calling off ---------------------------------------------------------------------------

    async def take_back(self, order_id: str, owner: str, reason: str) -> Carriage:
        """Call a company off, and have the order again.

        Raises
        ------
        DispatchError
            No company has it, or it is on its way to the door; nothing was called off.
        Problem
            The company gave no usable answer, or says that it is too late.
        """
        known = await self._live.run(lambda: self._recallable(order_id))
        company = self.company(known.carrier)
        self._called_off.add((known.carrier, known.reference))
        try:
            await self._answered(lambda: company.cancel(known.reference))
        except Problem:
            self._called_off.discard((known.carrier, known.reference))
            raise

        def job() -> Carriage:
            order = self._live.engine.state.order(order_id)
            if order.carriage is not None and order.carriage.ended:
                return order.carriage  # the company was faster to say so
            at = self._live.clock.now()
            self._live.handle(EndCarriage(order_id, reason, at, owner))
            return self.carriage(order_id)

        return await self._live.run(job)

    def _recallable(self, order_id: str) -> Carriage:
        order = open_order(self._live.engine.state, order_id, "taken back")
        known = order.carriage
        if known is None or known.ended or order.on_board:
            state = known.status if order.on_board and known else order.delivery.value
            raise WrongStateError(f"order {order_id}", state, "taken back", ())
        return known

    async def _follow(self) -> None:
        """Call companies off whose jobs have gone without anybody having told them."""
        feed, seq = self._live.feed, self._live.feed.seq
        while not feed.closing:
            page = await feed.after(seq, _PAGE)
            for recorded in page:
                seq = recorded.seq
                event = recorded.event
                if isinstance(event, e.CarriageEnded | e.OrderCancelled):
                    await self._tell_of_end(event.order_id)
            if not page:
                await feed.wait(seq, _HEARTBEAT_S)

    async def _tell_of_end(self, order_id: str) -> None:
        order = await self._live.run(lambda: self._live.engine.state.order(order_id))
        known = order.carriage
        if known is None or order.delivery is DeliveryStatus.DELIVERED:
            return
        cancelled = order.delivery in {DeliveryStatus.CANCELLED, DeliveryStatus.RETURNING}
        company = self._companies.get(known.carrier)
        if company is None or not (known.ended or cancelled):
            return
        if (known.carrier, known.reference) not in self._called_off:
            self._called_off.add((known.carrier, known.reference))
            await self._call_off(company, known.reference)

    async def _call_off(self, company: CourierCompany, reference: str) -> None:
        """Call a job off as well as can be; a person must call them when it cannot be."""
        try:
            await self._outside(lambda: company.cancel(reference))
        except CourierCompanyError as error:
            _log.warning("not_called_off", company=company.name, job=reference, reason=str(error))

    # --- news ----------------------------------------------------------------------------------

    def report(
        self,
        carrier: str,
        reference: str,
        status: str,
        occurred_at: int,
        eta: int | None,
        detail: str,
    ) -> desk.CarriageReport:
        """Take in how far a company is; on the engine's thread.

        Raises
        ------
        UnknownIdError
            There is no such company, or it has no such job.
        """
        self.company(carrier)
        order = self._by_reference(carrier, reference)
        command = ReportCarriage(
            order.order_id, carrier, reference, status, occurred_at, detail, eta
        )
        if status == DeliveryStatus.CANCELLED:
            self._called_off.add((carrier, reference))
        recorded = self._live.handle(command)
        after = self._live.engine.state.order(order.order_id)
        return {
            "order_id": order.order_id,
            "delivery": {"status": after.delivery.value, "eta": _moment(after.eta)},
            "events": [type(entry.event).__name__ for entry in recorded],
        }

    def _by_reference(self, carrier: str, reference: str) -> OrderState:
        state = self._live.engine.state
        for order in (*state.orders.values(), *state.closed.values()):
            known = order.carriage
            if known is not None and (known.carrier, known.reference) == (carrier, reference):
                return order
        raise UnknownIdError(f"{carrier} has no job {reference}")

    # --- asking --------------------------------------------------------------------------------

    async def _outside(self, question: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, question)

    async def _answered(self, question: Callable[[], _T]) -> _T:
        """Ask a company; a failure is a problem to answer with."""
        try:
            return await self._outside(question)
        except JobRefusedError as error:
            raise _refused(str(error)) from error
        except CourierCompanyError as error:
            raise Problem("courier_company_failed", f"{error}.") from error


def view(order_id: str, known: Carriage) -> desk.Carriage:
    """Return what was agreed on with a company, and how far it is."""
    return {
        "order_id": order_id,
        "carrier": known.carrier,
        "reference": known.reference,
        "cost_cents": known.cost_cents,
        "booked_at": to_rfc3339(known.booked_at),
        "status": known.status,
        "eta": _moment(known.eta),
        "ended": known.ended,
    }


def _moment(at: int | None) -> str | None:
    return None if at is None else to_rfc3339(at)


def _refused(detail: str) -> Problem:
    return Problem("courier_company_refused", f"{detail}.")


def _is_bookable(order: OrderState) -> bool:
    try:
        refuse_unbookable(order)
    except ConflictError:
        return False
    return True


def _bid_row(carrier: str, bid: Bid, order: OrderState) -> desk.Bid:
    return {
        "carrier": carrier,
        "cost_cents": bid.cost_cents,
        "pickup_at": to_rfc3339(bid.pickup_at),
        "dropoff_at": to_rfc3339(bid.dropoff_at),
        "in_time": bid.dropoff_at <= order.promise.latest,
    }


def _row(one: _Candidate, bids: list[desk.Bid]) -> desk.Bookable:
    order, left = one.order, one.unassigned
    return {
        "order_id": order.order_id,
        "why": "at_risk" if left is None else "unassigned",
        "reason": None if left is None else left.reason.value,
        "detail": None if left is None else left.detail,
        "store_id": order.store_id,
        "promise": {
            "earliest": to_rfc3339(order.promise.earliest),
            "latest": to_rfc3339(order.promise.latest),
        },
        "eta": _moment(order.eta),
        "bids": sorted(bids, key=lambda bid: (not bid["in_time"], bid["cost_cents"])),
    }
