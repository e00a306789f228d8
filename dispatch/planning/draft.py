"""A whole plan being worked on: every courier's tour, every order's store, every pick queue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from dispatch.model import (
    UNREACHABLE_S,
    Fulfilment,
    OrderInPlay,
    OrderStatus,
    Reason,
    Refusal,
    Stop,
    StopKind,
)
from dispatch.planning import picking, sourcing
from dispatch.planning.schedule import (
    Insertion,
    Job,
    Prices,
    Step,
    Tour,
    make_job,
    pickup_step,
)
from dispatch.planning.situation import Situation

_UNPICKED = frozenset({OrderStatus.RECEIVED, OrderStatus.SOURCED})


@dataclass(frozen=True, slots=True)
class Mark:
    """What it takes to come back to an earlier state of a draft."""

    steps: dict[str, list[Step]]
    stores: dict[str, str | None]
    tours: dict[str, str | None]


@dataclass(slots=True)
class Options:
    """Where an order can go.

    Attributes
    ----------
    places
        The cheapest place by courier.
    floor
        No courier that is not listed can take it for less.
    """

    places: dict[str, Insertion] = field(default_factory=dict)
    floor: float = float("inf")

    @property
    def second(self) -> float:
        """Return the second lowest cost, infinite if there is none."""
        costs = sorted(place.added for place in self.places.values())
        return costs[1] if len(costs) > 1 else float("inf")

    def in_order(self) -> list[Insertion]:
        """Return the places, the cheapest first."""
        return sorted(self.places.values(), key=lambda p: (p.added, p.courier_id))


class Draft:
    """The plan in the making.

    Attributes
    ----------
    tours
        By courier id, ascending.
    jobs
        What is to be routed, by order id, ascending; some may have no tour (yet).
    left_out
        Orders that no route can serve, with the reason; they are no jobs.
    """

    def __init__(self, situation: Situation, *, settled: bool = False) -> None:
        """Seat the couriers and weigh the stores; if `settled`, orders keep the store they have."""
        self.situation = situation
        self.settled = settled
        self.prices = Prices(situation.policy)
        self.tours = {
            key: Tour(courier, situation, self.prices)
            for key, courier in situation.couriers.items()
        }
        self.jobs: dict[str, Job] = {}
        self.left_out: dict[str, Refusal] = {}
        self.stock = sourcing.Stock(situation)
        self.queues = picking.queues(situation)
        self.awaited = picking.awaited(situation)
        self.picks: dict[str, dict[str, picking.Pick]] = {}
        self._queue_version = dict.fromkeys(situation.stores, 0)
        self._ready: dict[tuple[str, str], tuple[int, int | None]] = {}
        self._found: dict[tuple[str, str], tuple[int, int, float, Insertion | None]] = {}
        for key in situation.stores:
            self._forecast(key)
        self._seat_all()
        for order in situation.orders.values():
            if order.order_id not in self.jobs and order.order_id not in self.left_out:
                self._admit(order)

    # --- who is there --------------------------------------------------------------------------

    def _seat_all(self) -> None:
        """Begin every tour with what its courier holds; what cannot be carried out is left out."""
        situation = self.situation
        bags: dict[str, list[OrderInPlay]] = {key: [] for key in self.tours}
        for order_id, order in situation.orders.items():
            if order.order.fulfilment is not Fulfilment.DELIVERY:
                continue
            if not situation.is_carried(order):
                continue
            carrier = situation.carriers.get(order_id)
            if carrier is None:
                who = order.courier_id or "nobody we know"
                self._leave_out(
                    order,
                    Reason.NO_COURIER_ON_SHIFT,
                    f"it is in the bag of {who}, who is not among the couriers in play",
                )
            elif order.returning and order.store_id not in situation.stores:
                self._leave_out(
                    order,
                    Reason.UNREACHABLE,
                    f"it must go back to {order.store_id}, which is not a store in play",
                )
            elif not order.returning and not situation.has_door(order):
                self._leave_out(order, Reason.UNREACHABLE, "its door is not in the travel table")
            else:
                bags[carrier].append(order)
        for key, tour in self.tours.items():
            self._seat(tour, bags[key])

    def _seat(self, tour: Tour, bag: Sequence[OrderInPlay]) -> None:
        """Begin one tour; orders that turn out to have no way are left out and it starts anew."""
        stops = self.situation.committed(tour.courier)
        dropped: set[str] = set()
        while True:
            carried = [make_job(self.situation, o) for o in bag if o.order_id not in dropped]
            jobs = {job.order_id: job for job in carried}
            told = [stop for stop in stops if stop.order_id not in dropped]
            steps = [self._committed_step(stop, jobs) for stop in told]
            arrived = tour.courier.arrived and told[:1] == list(tour.courier.committed[:1])
            if tour.seat(steps, carried, arrived=arrived and bool(told)):
                lost = self._bring_home(tour, jobs)
            else:
                lost = _unreached(tour)
            if lost is None:
                self.jobs = dict(sorted((self.jobs | jobs).items()))
                return
            dropped.add(lost.order_id)
            self._leave_out(
                lost.order,
                Reason.UNREACHABLE,
                f"no way leads {tour.courier_id}, who holds it, there by "
                f"{tour.courier.courier.mode.value}",
            )

    def _bring_home(self, tour: Tour, jobs: dict[str, Job]) -> Job | None:
        """Give each order in the bag its end in a seated tour; returns one that has no way."""
        ended = {step.job.order_id for step in tour.steps if not step.picks_up}
        for job in jobs.values():
            job.in_bag = True
            job.tour = tour.courier_id
            if job.order_id in ended:
                continue
            place = tour.best_end(job)
            if place is None:
                return job
            tour.insert(job, place)
        return None

    def _committed_step(self, stop: Stop, jobs: dict[str, Job]) -> Step:
        """Return the step of a committed stop; the job of a pickup is added to `jobs`."""
        if stop.kind is StopKind.PICKUP:
            jobs[stop.order_id] = self._committed_job(stop)
            return jobs[stop.order_id].pickups[stop.store_id]
        end = jobs[stop.order_id].end
        end.stop = stop
        return end

    def _committed_job(self, stop: Stop) -> Job:
        situation = self.situation
        order = situation.orders[stop.order_id]
        job = make_job(situation, order)
        queue = self.queues[stop.store_id]
        if order.order_id not in queue:
            queue[order.order_id] = order
            self.stock.move(order, None, stop.store_id)
            self._forecast(stop.store_id)
        job.store_id = stop.store_id
        job.end.stop = Stop(StopKind.DROPOFF, order.order_id, stop.store_id)
        ready_at = self.picks[stop.store_id][order.order_id].ready_at
        job.pickups[stop.store_id] = pickup_step(job, situation.stores[stop.store_id], ready_at)
        return job

    # --- which store ---------------------------------------------------------------------------

    def _admit(self, order: OrderInPlay) -> None:
        """Make an order that nobody holds yet a job, or leave it out with the reason."""
        situation = self.situation
        if order.order.fulfilment is not Fulfilment.DELIVERY:
            return
        if order.returning:
            self._leave_out(
                order, Reason.UNREACHABLE, "it should go back to its store but is in nobody's bag"
            )
            return
        if not situation.has_door(order):
            self._leave_out(order, Reason.UNREACHABLE, "its door is not in the travel table")
            return
        holder = situation.holders.get(order.order_id)
        if holder is not None and holder not in self.tours:
            self._leave_out(
                order,
                Reason.NO_COURIER_ON_SHIFT,
                f"{holder} is committed to it but is not among the couriers in play",
            )
            return
        self._admit_free(order, holder)

    def _admit_free(self, order: OrderInPlay, holder: str | None) -> None:
        situation = self.situation
        fixed = is_fixed(order) or holder is not None
        if fixed and order.store_id is not None and order.store_id not in situation.stores:
            self._leave_out(
                order, Reason.STORE_CLOSED, f"its store {order.store_id} is not a store in play"
            )
            return
        stays = order.store_id if fixed or self.settled else None
        weighed = sourcing.weigh(
            situation, order, self.queues, self.stock, self.awaited, only=stays
        )
        stores = sourcing.chosen(situation, order, weighed)
        if not stores:
            no = sourcing.refusal(order, weighed)
            self._leave_out(order, no.reason, no.detail)
            return
        if not self.tours:
            self._leave_out(
                order, Reason.NO_COURIER_ON_SHIFT, "no courier is on shift or starts soon"
            )
            return
        job = make_job(situation, order)
        job.candidates = stores
        job.allowed = frozenset(
            key
            for key in self.tours
            if (holder is None and key not in order.declined_by) or key == holder
        )
        for store_id in stores:
            job.pickups[store_id] = pickup_step(job, situation.stores[store_id], situation.now)
        self.jobs[order.order_id] = job
        home = order.store_id if order.store_id in stores else stores[0]
        job.store_id = order.store_id if order.store_id in situation.stores else None
        self.set_store(job, home)

    def _leave_out(self, order: OrderInPlay, reason: Reason, detail: str) -> None:
        self.left_out[order.order_id] = Refusal(reason, detail)

    def set_store(self, job: Job, store_id: str) -> None:
        """Choose a store for an order; queues, stock and every time that hangs on them follow."""
        old = job.store_id
        if old != store_id:
            self.stock.move(job.order, old, store_id)
            if old is not None:
                self.queues[old].pop(job.order_id, None)
            self.queues[store_id][job.order_id] = job.order
            job.store_id = store_id
            if old is not None:
                self._forecast(old)
        job.end.stop = Stop(job.end.stop.kind, job.order_id, store_id)
        self._forecast(store_id)

    def _forecast(self, store_id: str) -> None:
        """Work out a store's pick queue again and pass its ready times on to the tours."""
        situation = self.situation
        store = situation.stores[store_id]
        self._queue_version[store_id] += 1
        picks = picking.forecast(
            store,
            self.queues[store_id].values(),
            situation.now,
            situation.needed_by,
            self.awaited,
        )
        self.picks[store_id] = picks
        felt: set[str] = set()
        for order_id, pick in picks.items():
            job = self.jobs.get(order_id)
            step = job.pickups.get(store_id) if job is not None else None
            if job is None or step is None or step.earliest == pick.ready_at:
                continue
            step.earliest = pick.ready_at
            if job.tour is not None:
                felt.add(job.tour)
        for key in sorted(felt):
            self.tours[key].refresh()

    def ready_at(self, job: Job, store_id: str) -> int | None:
        """Return when an order would be ready at one of its candidate stores."""
        if job.store_id == store_id:
            pick = self.picks[store_id].get(job.order_id)
            return None if pick is None else pick.ready_at
        key = (job.order_id, store_id)
        version = self._queue_version[store_id]
        known = self._ready.get(key)
        if known is not None and known[0] == version:
            return known[1]
        situation = self.situation
        picks = picking.forecast(
            situation.stores[store_id],
            (*self.queues[store_id].values(), job.order),
            situation.now,
            situation.needed_by,
            self.awaited,
        )
        found = picks[job.order_id].ready_at if job.order_id in picks else None
        self._ready[key] = (version, found)
        return found

    # --- where in which tour -------------------------------------------------------------------

    def churn(self, job: Job, courier_id: str, store_id: str | None) -> float:
        """Return the price of telling somebody else: another courier, or another store."""
        changes = 0
        shown = self.situation.shown.get(job.order_id)
        if shown not in {None, courier_id} and shown in job.allowed:
            changes += 1
        if job.order.store_id is not None and job.order.store_id != store_id:
            changes += 1
        return changes * self.situation.policy.churn_cost

    def best_in(self, job: Job, tour: Tour, limit: float = float("inf")) -> Insertion | None:
        """Return the cheapest store and places for an order in one courier's tour.

        None if there is none, or none that costs less than `limit`.
        """
        if tour.courier_id not in job.allowed:
            return None
        queues = sum(self._queue_version[key] for key in job.candidates)
        key = (job.order_id, tour.courier_id)
        known = self._found.get(key)
        if known is not None and known[:2] == (tour.version, queues):
            _, _, looked, place = known
            if place is not None or limit <= looked:
                return place
        best: Insertion | None = None
        for store_id in job.candidates:
            if store_id != job.store_id and self.stock.missing(job.order, store_id):
                continue
            ready_at = self.ready_at(job, store_id)
            if ready_at is None:
                continue
            step = job.pickups[store_id]
            if store_id != job.store_id:
                step.earliest = ready_at
            extra = self.churn(job, tour.courier_id, store_id)
            best = tour.best_pair(job, step, extra, limit if best is None else best.added) or best
        self._found[key] = (tour.version, queues, limit, best)
        return best

    def options(self, job: Job, limit: float = float("inf")) -> Options:
        """Return the cheapest places for an order below `limit`: the two best for certain."""
        found = Options(floor=limit)
        home = job.pickups[job.store_id or ""].place
        near = sorted(
            self.tours.values(),
            key=lambda t: t.depart[t.locked] + t.duration_s[t.place[t.locked]][home],
        )
        for tour in near:
            place = self.best_in(job, tour, limit)
            if place is None:
                found.floor = min(found.floor, limit)
            else:
                found.places[tour.courier_id] = place
                limit = min(limit, found.second)
        return found

    def best_place(self, job: Job, limit: float) -> Insertion | None:
        """Return the cheapest place for an order, None if none costs less than `limit`."""
        best: Insertion | None = None
        for tour in self.tours.values():
            place = self.best_in(job, tour, limit)
            if place is not None and place.added < limit:
                best = place
                limit = place.added
        return best

    def put(self, job: Job, place: Insertion) -> bool:
        """Insert an order; returns whether every tour is still feasible."""
        if place.store_id is not None and place.store_id != job.store_id:
            self.set_store(job, place.store_id)
        self.tours[place.courier_id].insert(job, place)
        return all(tour.feasible for tour in self.tours.values())

    def take(self, job: Job) -> None:
        """Take an order out of its tour."""
        if job.tour is not None:
            tour = self.tours[job.tour]
            job.tour = None
            tour.refresh(tour.without(job))

    @property
    def queues_version(self) -> int:
        """Return a number that grows whenever a pick queue changes."""
        return sum(self._queue_version.values())

    # --- as a whole ----------------------------------------------------------------------------

    @property
    def free(self) -> list[Job]:
        """Return the orders that may still go to another place, by order id."""
        return [job for job in self.jobs.values() if not job.in_bag]

    def total(self) -> tuple[int, float]:
        """Return how many orders have no tour, and the cost of all others; compare as a pair.

        However late an order is, it is worth delivering; so the count comes first.
        """
        unrouted = sum(job.tour is None for job in self.jobs.values())
        cost = sum(tour.cost for tour in self.tours.values())
        cost += sum(
            self.churn(job, job.tour, job.store_id)
            for job in self.jobs.values()
            if job.tour is not None and not job.in_bag
        )
        return unrouted, cost

    def mark(self) -> Mark:
        """Remember the present state."""
        return Mark(
            {key: tour.steps for key, tour in self.tours.items()},
            {key: job.store_id for key, job in self.jobs.items()},
            {key: job.tour for key, job in self.jobs.items()},
        )

    def back_to(self, mark: Mark) -> None:
        """Come back to a remembered state."""
        for key, job in self.jobs.items():
            job.tour = mark.tours[key]
        for key, job in self.jobs.items():
            store_id = mark.stores[key]
            if store_id is not None and store_id != job.store_id:
                self.set_store(job, store_id)
        for key, tour in self.tours.items():
            if tour.steps is not mark.steps[key] or not tour.feasible:
                tour.refresh(mark.steps[key])

    def adopt(self, sequences: dict[str, list[Step]]) -> bool:
        """Replace whole tours; orders in none of them are without one.  Returns feasibility."""
        for job in self.free:
            job.tour = None
        for key, steps in sequences.items():
            for step in steps:
                step.job.tour = key
            if steps != self.tours[key].steps:
                self.tours[key].refresh(steps)
        return all(tour.feasible for tour in self.tours.values())


def is_fixed(order: OrderInPlay) -> bool:
    """Return whether an order must stay at its store."""
    return (
        order.store_fixed
        or order.pick_started_at is not None
        or order.ready_at is not None
        or order.status not in _UNPICKED
    )


def _unreached(tour: Tour) -> Job:
    """Return the order of the first step that a tour's courier has no way to."""
    for index, step in enumerate(tour.steps):
        standing = index == 0 and tour.arrived
        if not standing and tour.duration_s[tour.place[index]][step.place] >= UNREACHABLE_S:
            return step.job
    return tour.steps[0].job
