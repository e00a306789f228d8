"""Pickers, counters, shelves and closed stores of a world, without an engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from dispatch import events as e
from dispatch.commands import (
    ArriveToCollect,
    CancelOrder,
    CollectOrder,
    Command,
    CompletePick,
    GiveUpCollection,
    PauseStore,
    RegisterStore,
    ReportShort,
    ResumeStore,
    SetStock,
    StartPick,
)
from dispatch.model import Fulfilment, Order, OrderLine, Promise, Store
from dispatch.records import Substitution
from simulations.rng import Streams
from simulations.scenarios.settings import (
    Article,
    CustomerSettings,
    PickingSettings,
    Scenario,
    StoreSettings,
)
from simulations.worlds.closing import CALL_OFF_AFTER_S, Operations, Shut, ShutStores
from simulations.worlds.collecting import Collecting
from simulations.worlds.intents import Intents
from simulations.worlds.pickers import Pickers
from simulations.worlds.stock import Shelves
from tests.town import Grid, at

T0 = 1_795_186_800  # 2026-11-20 15:00:00 UTC, five in the afternoon in Helsinki
HOUR_S = 3600
STEADY = PickingSettings(
    spread=0.0, delay_share=0.0, delay_s=(0, 0), restock_at=(18_000,), distribution="fixed"
)
PICK_S = 220
"""Of two lines: 120 s and twice 50 s."""
STORE = Store("sto_1", "One", at(0, 0), pickers=1, pick_base_s=120, pick_line_s=50)


def order(number: int, *skus: str, fulfilment: Fulfilment = Fulfilment.DELIVERY) -> Order:
    return Order(
        order_id=f"ord_{number}",
        created_at=T0,
        door=at(2, 0),
        address="Corner",
        lines=tuple(OrderLine(sku, 2) for sku in skus or ("milk", "bread")),
        weight_g=1000,
        service_s=0,
        external_id=f"x-{number}",
        fulfilment=fulfilment,
    )


@dataclass
class Shop:
    """Everybody in the stores of a town, and a hand that grants what they ask."""

    scenario: Scenario
    settings: PickingSettings = STEADY
    shut: ShutStores = field(default_factory=ShutStores)
    rota: tuple[int, ...] | None = None
    customers: CustomerSettings = field(
        default_factory=lambda: CustomerSettings(
            cancel_share=0, cancel_within_s=(0, 0), nobody_home_share=0, wait_at_door_s=0
        )
    )
    sequence: int = 0

    def __post_init__(self) -> None:
        streams, zone = Streams(1), ZoneInfo("Europe/Helsinki")
        self.intents = Intents()
        self.operations = Operations(
            self.shut, self.intents, tuple(one.sku for one in self.scenario.catalogue)
        )
        self.shelves = Shelves(
            self.scenario, {"sto_1": "supermarket"}, zone, self.shut, streams, self.intents
        )
        self.pickers = Pickers(
            self.settings,
            Grid(),
            [],
            "Europe/Helsinki",
            streams,
            self.intents,
            rotas={} if self.rota is None else {"sto_1": self.rota},
            shut=self.shut,
            shelves=self.shelves,
        )
        self.collecting = Collecting(self.customers, 0.0, self.shut, streams, self.intents)
        self.tell(e.StoreRegistered(STORE), T0)

    def tell(self, event: e.Event, now: int) -> None:
        self.sequence += 1
        recorded = e.Recorded("town", self.sequence, now, event)
        for part in (self.shelves, self.operations, self.pickers, self.collecting):
            part.hear(recorded)

    def receive(self, asked: Order, now: int = T0, latest_s: int = 3600) -> None:
        self.tell(e.OrderReceived(asked, Promise(now, now + latest_s, now), "sto_1"), now)

    def wants(self, kind: type[Command]) -> list[tuple[int | None, Command]]:
        """Return what is wanted of a kind, with when it is due."""
        return [(due, wish) for due, wish in self.intents.pending() if isinstance(wish, kind)]

    def take(self) -> tuple[int, Command]:
        due = self.intents.next_at()
        assert due is not None
        command = self.intents.take(due)
        assert command is not None
        return due, command

    def start(self) -> int:
        """Let the next pick begin; returns when."""
        due, command = self.take()
        assert isinstance(command, StartPick)
        self.tell(e.PickStarted(command.order_id, "sto_1", due), due)
        return due


@pytest.fixture
def plain(friday: Scenario) -> Scenario:
    """Return a scenario with three articles, two of them alike."""
    milk = Article("milk", "Milk", 1000, 120, 5, "drinks")
    return replace(
        friday,
        catalogue=(
            milk,
            replace(milk, sku="oats", popularity=9),
            replace(milk, sku="bread", group=""),
        ),
        stores={
            "supermarket": StoreSettings(
                pickers=(2,) * 24,
                pick_base_s=120,
                pick_line_s=50,
                reach_s=1200,
                assortment=1.0,
                stock_mean=40.0,
                sold_out_share=0.0,
            )
        },
        picking=STEADY,
    )


# --- pick times ----------------------------------------------------------------------------------


def test_a_fixed_pick_takes_what_is_expected(plain: Scenario) -> None:
    assert Shop(plain).pickers.true_pick_s(STORE, order(1)) == PICK_S


def test_exponential_and_log_normal_picks_spread_around_what_is_expected(plain: Scenario) -> None:
    exponential = Shop(plain, replace(STEADY, distribution="exponential")).pickers
    times_s = np.array([exponential.true_pick_s(STORE, order(n)) for n in range(2000)])
    # The standard deviation is the mean: 4 errors of a mean of 2000 are 4 x 220 / 45 = 20.
    assert abs(times_s.mean() - PICK_S) < 20
    assert abs(times_s.std() - PICK_S) < 30
    lognormal = Shop(plain, replace(STEADY, distribution="lognormal", spread=0.3)).pickers
    times_s = np.array([lognormal.true_pick_s(STORE, order(n)) for n in range(1000)])
    assert abs(np.median(times_s) - PICK_S) < 10
    assert abs(np.log(times_s / PICK_S).std() - 0.3) < 0.03


# --- what is short -----------------------------------------------------------------------------


def short_of_milk(plain: Scenario, *, substitutes: float = 1.0) -> tuple[Shop, ReportShort, int]:
    """Return a store in the middle of a pick in which every article is short."""
    shop = Shop(plain, replace(STEADY, short_share=1.0, substitute_share=substitutes))
    shop.tell(e.StockSet("sto_1", {"milk": 9, "oats": 9, "bread": 9}), T0)
    shop.receive(order(1, "milk"))
    began = shop.start()
    due, command = shop.take()
    assert isinstance(command, ReportShort)
    assert began < due < began + 170
    return shop, command, due


def test_a_substitute_is_another_article_of_the_group_that_is_free(plain: Scenario) -> None:
    _, command, _ = short_of_milk(plain)
    assert command.substitute_sku == "oats"
    assert 1 <= command.missing == command.substitute_quantity <= 2


def test_without_a_substitute_the_line_is_short_and_the_pick_goes_on(plain: Scenario) -> None:
    shop, command, due = short_of_milk(plain, substitutes=0.0)
    assert command.substitute_sku is None
    shop.tell(e.LineShort("ord_1", "sto_1", "milk", command.missing, False, due), due)
    assert shop.wants(CompletePick) == [(T0 + 170, CompletePick("ord_1", T0 + 170))]


def test_what_turns_out_not_to_be_free_is_not_offered_again(plain: Scenario) -> None:
    shop, command, due = short_of_milk(plain)
    shop.intents.turned_down(command, "invalid_value")
    shop.pickers.not_there(command, due)
    ((_, again),) = shop.wants(ReportShort)
    assert isinstance(again, ReportShort)
    assert again.substitute_sku is None
    assert again.missing == command.missing


def test_a_pick_waits_for_the_customer_s_answer(plain: Scenario) -> None:
    shop, command, due = short_of_milk(plain)
    offered = Substitution("milk", command.missing, "oats", command.missing, due + 180)
    shop.tell(e.LineShort("ord_1", "sto_1", "milk", command.missing, True, due), due)
    shop.tell(e.SubstitutionOffered("ord_1", "sto_1", offered, due), due)
    assert not shop.wants(CompletePick)
    # The one picker is at it all the while: nobody begins another order.
    shop.receive(order(2), due)
    assert not shop.wants(StartPick)
    answered_at = due + 160
    accepted = replace(offered, accepted=True)
    shop.tell(e.SubstitutionAnswered("ord_1", "sto_1", accepted, answered_at), answered_at)
    # What was accepted is fetched: one line, 50 s.
    done_at = max(T0 + 170, answered_at + 50)
    assert shop.wants(CompletePick) == [(done_at, CompletePick("ord_1", done_at))]


def test_a_cancelled_order_is_not_looked_for_any_more(plain: Scenario) -> None:
    shop = Shop(plain, replace(STEADY, short_share=1.0))
    shop.receive(order(1))
    began = shop.start()
    shop.tell(e.OrderCancelled("ord_1", "changed their mind", began), began)
    assert not shop.wants(ReportShort)
    assert not shop.wants(CompletePick)


# --- who is there ------------------------------------------------------------------------------


def test_the_engine_is_told_when_the_number_of_pickers_changes(plain: Scenario) -> None:
    rota = (1,) * 18 + (3,) * 2 + (1,) * 4
    shop = Shop(plain, rota=rota)
    # It is five: at six there are three.
    assert shop.wants(RegisterStore) == [(T0 + HOUR_S, RegisterStore(replace(STORE, pickers=3)))]
    due, command = shop.take()
    assert isinstance(command, RegisterStore)
    shop.tell(e.StoreRegistered(command.store), due)
    assert shop.wants(RegisterStore)[0][0] == T0 + 3 * HOUR_S


def test_whoever_goes_home_finishes_first(plain: Scenario) -> None:
    shop = Shop(plain)
    shop.tell(e.StoreRegistered(replace(STORE, pickers=2)), T0)
    for number in (1, 2, 3):
        shop.receive(order(number))
    for _ in range(2):
        shop.start()
    shop.tell(e.StoreRegistered(STORE), T0 + 10)
    for number in (1, 2):
        due, command = shop.take()
        assert command == CompletePick(f"ord_{number}", T0 + PICK_S)
        shop.tell(e.PickCompleted(f"ord_{number}", "sto_1", due), due)
        # One of the two went home, so the third order waits for the other.
        assert len(shop.wants(StartPick)) == number - 1


# --- shelves -----------------------------------------------------------------------------------


def test_deliveries_come_at_each_of_their_times_but_not_to_a_store_that_is_shut(
    plain: Scenario,
) -> None:
    twice = replace(plain, picking=replace(STEADY, restock_at=(5 * HOUR_S, 18 * HOUR_S)))
    shop = Shop(twice)
    shop.tell(e.StockSet("sto_1", {}), T0)
    assert [due for due, _ in shop.wants(SetStock)] == [T0 + HOUR_S]
    due, command = shop.take()
    assert isinstance(command, SetStock)
    assert set(command.on_hand) == {"milk", "oats", "bread"}
    shop.tell(e.StockSet("sto_1", command.on_hand), due)
    # The next one is at five in the morning, twelve hours after five in the afternoon.
    assert [due for due, _ in shop.wants(SetStock)] == [T0 + 12 * HOUR_S]
    shut = ShutStores([Shut("sto_1", T0, T0 + 2 * HOUR_S, T0, loses_stock=False)])
    closed = Shop(twice, shut=shut)
    closed.tell(e.StockSet("sto_1", {}), T0)
    assert [due for due, _ in closed.wants(SetStock)] == [T0 + 12 * HOUR_S]


def test_an_article_that_does_not_come_stays_as_it_is(plain: Scenario) -> None:
    kind = replace(plain.stores["supermarket"], sold_out_share=0.99)
    shop = Shop(replace(plain, stores={"supermarket": kind}))
    opening = shop.shelves.opening("sto_1")
    assert set(opening.on_hand) == {"milk", "oats", "bread"}
    shop.tell(e.StockSet("sto_1", opening.on_hand), T0)
    ((_, delivery),) = shop.wants(SetStock)
    assert isinstance(delivery, SetStock)
    assert len(delivery.on_hand) < 3


def test_what_is_promised_is_no_substitute(plain: Scenario) -> None:
    shop = Shop(plain)
    shop.tell(e.StockSet("sto_1", {"oats": 3}), T0)
    assert list(shop.shelves.substitutes("sto_1", "milk", 2, order(1, "milk"))) == ["oats"]
    shop.receive(order(2, "oats"))
    assert not list(shop.shelves.substitutes("sto_1", "milk", 2, order(1, "milk")))
    shop.tell(e.OrderCancelled("ord_2", "", T0), T0)
    assert list(shop.shelves.substitutes("sto_1", "milk", 2, order(1, "milk"))) == ["oats"]
    assert not list(shop.shelves.substitutes("sto_1", "milk", 2, order(3, "milk", "oats")))


# --- closed stores -----------------------------------------------------------------------------

FIRE = Shut("sto_1", T0 + 100, T0 + 4000, T0 + 400, loses_stock=True)
ALARM = Shut("sto_1", T0 + 100, T0 + 1000, T0 + 400, loses_stock=False)


@pytest.mark.parametrize(
    ("starts", "work", "done"),
    [
        (0, 100, 100),  # done as it begins
        (0, 101, 1001),  # one second is left over
        (0, 300, 1200),
        (500, 50, 1050),  # nobody begins before it is over
        (1000, 50, 1050),
        (2000, 50, 2050),
    ],
)
def test_work_stops_while_a_store_is_shut_and_goes_on_after_it(
    starts: int, work: int, done: int
) -> None:
    shut = ShutStores([ALARM])
    assert shut.done_at("sto_1", T0 + starts, work) == T0 + done
    assert shut.done_at("sto_2", T0 + starts, work) == T0 + starts + work


def test_pickers_walk_out_at_once_and_nobody_begins(plain: Scenario) -> None:
    shop = Shop(plain, shut=ShutStores([ALARM]))
    shop.receive(order(1))
    shop.start()
    # 100 s of 220 were done, the other 120 come after the alarm.
    assert shop.wants(CompletePick)[0][0] == T0 + 1000 + 120
    late = Shop(plain, shut=ShutStores([ALARM]))
    late.receive(order(1), T0 + 200)
    assert late.wants(StartPick)[0][0] == T0 + 1000


def fire(plain: Scenario, shut: Shut, orders: Sequence[Order], latest_s: int = 3600) -> Shop:
    """Return a store whose operations have just paused it."""
    shop = Shop(plain, shut=ShutStores([shut]))
    shop.tell(e.StoreRegistered(replace(STORE, store_id="sto_2")), T0)
    for asked in orders:
        shop.receive(asked, latest_s=latest_s)
    ((due, pause),) = shop.wants(PauseStore)
    assert isinstance(pause, PauseStore)
    assert due == shut.told_at
    assert pause.moves_orders
    shop.tell(e.StorePaused("sto_1", pause.reason, pause.owner), shut.told_at)
    return shop


def test_operations_pause_a_store_when_they_hear_of_it_and_resume_it_after(plain: Scenario) -> None:
    shop = fire(plain, ALARM, [])
    assert not shop.wants(PauseStore)
    ((due, resume),) = shop.wants(ResumeStore)
    assert isinstance(resume, ResumeStore)
    assert due == ALARM.ends_at
    shop.tell(e.StoreResumed("sto_1", resume.owner), ALARM.ends_at)
    assert not shop.wants(ResumeStore)


def test_what_is_in_a_burning_store_is_called_off_but_not_what_moves_elsewhere(
    plain: Scenario,
) -> None:
    shop = fire(plain, FIRE, [order(1), order(2), order(3)])
    shop.tell(e.OrderResourced("ord_2", "sto_1", "sto_2", "closing"), FIRE.told_at)
    shop.tell(e.ParcelPickedUp("cou_1", "ord_3", "sto_1", FIRE.told_at), FIRE.told_at)
    ((due, called_off),) = shop.wants(CancelOrder)
    assert isinstance(called_off, CancelOrder)
    assert (due, called_off.order_id) == (FIRE.told_at + CALL_OFF_AFTER_S, "ord_1")
    lost = [
        wish for _, wish in shop.wants(SetStock) if isinstance(wish, SetStock) and wish.replaces
    ]
    assert lost == [SetStock("sto_1", {"milk": 0, "oats": 0, "bread": 0}, replaces=True)]
    shop.tell(e.StockSet("sto_1", {"milk": 0, "oats": 0, "bread": 0}), FIRE.told_at)
    assert not [w for _, w in shop.wants(SetStock) if isinstance(w, SetStock) and w.replaces]


def test_a_short_alarm_calls_nothing_off(plain: Scenario) -> None:
    assert not fire(plain, ALARM, [order(1)]).wants(CancelOrder)


def test_what_would_come_hours_too_late_is_called_off_though_nothing_is_lost(
    plain: Scenario,
) -> None:
    long = replace(ALARM, ends_at=T0 + 600 + HOUR_S + 1)
    assert len(fire(plain, long, [order(1)], latest_s=600).wants(CancelOrder)) == 1
    assert not fire(plain, replace(long, ends_at=T0 + 600 + HOUR_S), [order(1)], 600).wants(
        CancelOrder
    )


def test_nobody_pauses_a_store_they_hear_of_when_it_is_over(plain: Scenario) -> None:
    late = replace(ALARM, told_at=ALARM.ends_at)
    assert not Shop(plain, shut=ShutStores([late])).wants(PauseStore)


# --- the counter -------------------------------------------------------------------------------


def counter(
    plain: Scenario, *, no_show: float = 0.0, kerb: bool = False, shut: Shut | None = None
) -> Shop:
    """Return a store with an order that has just become ready."""
    customers = CustomerSettings(
        cancel_share=0,
        cancel_within_s=(0, 0),
        nobody_home_share=0,
        wait_at_door_s=0,
        collect_after_s=(300, 300),
        no_show_share=no_show,
        collect_s=60,
        curbside_s=180,
    )
    shop = Shop(plain, customers=customers, shut=ShutStores([shut] if shut else []))
    shop.receive(order(1, fulfilment=Fulfilment.CURBSIDE if kerb else Fulfilment.COLLECTION))
    shop.tell(e.PickCompleted("ord_1", "sto_1", T0), T0)
    return shop


@pytest.mark.parametrize(("kerb", "takes_s"), [(False, 60), (True, 180)])
def test_customers_come_when_it_is_ready_and_are_handed_it(
    plain: Scenario, kerb: bool, takes_s: int
) -> None:
    shop = counter(plain, kerb=kerb)
    ((due, here),) = shop.wants(ArriveToCollect)
    assert isinstance(here, ArriveToCollect)
    assert due == T0 + 300
    assert bool(here.bay) == kerb
    shop.tell(e.CustomerArrived("ord_1", here.bay, due), due)
    done_at = due + takes_s
    assert shop.wants(CollectOrder) == [(done_at, CollectOrder("ord_1", done_at))]
    shop.tell(e.OrderCollected("ord_1", "sto_1", done_at), done_at)
    assert not shop.wants(CollectOrder)


def test_what_nobody_comes_for_is_given_up(plain: Scenario) -> None:
    shop = counter(plain, no_show=1.0)
    assert not shop.wants(ArriveToCollect)
    ((due, _),) = shop.wants(GiveUpCollection)
    assert due == T0 + 3600


def test_nobody_comes_for_what_was_cancelled(plain: Scenario) -> None:
    shop = counter(plain)
    shop.tell(e.OrderCancelled("ord_1", "changed their mind", T0 + 10), T0 + 10)
    assert not shop.wants(ArriveToCollect)


def test_nobody_is_handed_anything_in_a_store_that_is_shut(plain: Scenario) -> None:
    shop = counter(plain, shut=ALARM)
    shop.tell(e.CustomerArrived("ord_1", "", T0 + 300), T0 + 300)
    assert shop.wants(CollectOrder)[0][0] == ALARM.ends_at + 60
