from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from dispatch import events as e
from dispatch.commands import AnswerSubstitution, CancelOrder, Command, PlaceOrder, RequestQuote
from dispatch.model import Fare, Fulfilment, Order, OrderLine, Promise, Quote, Reason, Window
from dispatch.records import Substitution
from geo.types import LonLat
from simulations.rng import Streams
from simulations.scenarios.settings import CustomerSettings, DemandSettings
from simulations.worlds.customers import PATIENCE_S, Customers
from simulations.worlds.demand import Ask
from simulations.worlds.intents import Intents

T0 = 1_795_186_800
CALM = CustomerSettings(
    cancel_share=0.0, cancel_within_s=(60, 900), nobody_home_share=0.0, wait_at_door_s=240
)
HABITS = DemandSettings(per_hour=(1.0,) * 24, weekday_factor=(1.0,) * 7)


def ask(number: int = 1, window_id: str | None = None, *, asks_first: bool = False) -> Ask:
    return Ask(
        external_id=f"x-{number}",
        at=T0 + number,
        door=LonLat(24.94, 60.17),
        address=f"Corner {number}",
        lines=(OrderLine("milk", number),),
        weight_g=1000,
        basket_cents=500,
        service_s=120,
        window_id=window_id,
        asks_first=asks_first,
    )


@dataclass
class Stage:
    """Customers, and a hand that lets them hear and act."""

    asks: Sequence[Ask]
    settings: CustomerSettings = CALM
    habits: DemandSettings = HABITS
    seed: int = 1
    told: list[e.Recorded] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.intents = Intents()
        self.customers = Customers(
            self.settings, self.habits, iter(self.asks), Streams(self.seed), self.intents
        )

    def tell(self, event: e.Event, at: int) -> None:
        self.told.append(e.Recorded("town", len(self.told) + 1, at, event))
        self.customers.hear(self.told[-1])

    def act(self) -> tuple[int, Command]:
        """Return what is asked next, and when."""
        at = self.intents.next_at()
        assert at is not None
        command = self.intents.take(at)
        assert command is not None
        if isinstance(command, PlaceOrder | RequestQuote):
            assert self.customers.passed_on(command, at)
        return at, command

    def refuse(self, command: Command, at: int, reason: Reason = Reason.NO_STOCK) -> None:
        assert isinstance(command, PlaceOrder)
        self.tell(
            e.OrderRefused(at, reason, "", command.external_id, window_id=command.window_id), at
        )

    def take(self, command: Command, at: int) -> Order:
        assert isinstance(command, PlaceOrder)
        order = Order(
            order_id=f"ord_{command.external_id}",
            created_at=command.occurred_at,
            door=command.door,
            address=command.address,
            lines=command.lines,
            weight_g=1000,
            service_s=120,
            external_id=command.external_id,
        )
        self.tell(e.OrderReceived(order, Promise(at, at + 1800, at), "sto_1"), at)
        return order


def quote(asked: Command, at: int, *windows: str, promise: bool = True) -> e.QuoteGiven:
    """Return a quote in which some windows can be had."""
    assert isinstance(asked, RequestQuote)
    until = Promise(at, at + 3000, at)
    return e.QuoteGiven(
        Quote(
            quote_id="quo_1",
            promise=until if promise else None,
            store_id="sto_1" if promise else None,
            eta=at + 1500 if promise else None,
            fare_cents=290 if promise else None,
            expires_at=at + 300,
            windows=tuple(
                Window(key, promise=until, fare=Fare())
                if key in windows
                else Window(key, reason=Reason.NO_COURIER_BEFORE_DEADLINE)
                for key in ("15m", "30m", "60m")
            ),
            fulfilment=Fulfilment.DELIVERY,
            door=asked.door,
            lines=asked.lines,
            weight_g=1000,
        )
    )


def tiers(stage: Stage, refusals: int) -> list[str | None]:
    """Return the windows that a customer asks for while they are refused."""
    wanted: list[str | None] = []
    for _ in range(refusals):
        at, command = stage.act()
        assert isinstance(command, PlaceOrder)
        wanted.append(command.window_id)
        stage.refuse(command, at)
    return wanted


def test_whoever_is_refused_a_window_takes_the_next_slower_one() -> None:
    stage = Stage([ask(window_id="15m")])
    assert tiers(stage, 4) == ["15m", "30m", "60m", None]
    assert stage.intents.next_at() is None
    assert not stage.customers.is_clicking


def test_whoever_does_not_step_down_leaves() -> None:
    stage = Stage([ask(window_id="15m")], habits=replace(HABITS, step_down_share=0.0))
    assert tiers(stage, 1) == ["15m"]
    assert stage.intents.next_at() is None


def test_an_order_refused_in_one_window_is_the_same_order_in_the_next() -> None:
    stage = Stage([ask(window_id="30m")])
    at, first = stage.act()
    stage.refuse(first, at)
    later, second = stage.act()
    assert isinstance(first, PlaceOrder)
    assert isinstance(second, PlaceOrder)
    assert first.external_id == second.external_id
    assert second.occurred_at == later > at
    stage.take(second, later)
    assert stage.intents.next_at() is None


def test_whoever_asks_first_orders_by_the_quote() -> None:
    stage = Stage([ask(window_id="30m", asks_first=True)])
    at, question = stage.act()
    assert isinstance(question, RequestQuote)
    stage.tell(quote(question, at, "30m", "60m"), at)
    later, command = stage.act()
    assert isinstance(command, PlaceOrder)
    assert (command.quote_id, command.window_id) == ("quo_1", "30m")
    assert 10 <= later - at <= 60


def test_a_window_that_the_quote_lacks_is_passed_over_for_a_slower_one() -> None:
    stage = Stage([ask(window_id="15m", asks_first=True)])
    at, question = stage.act()
    stage.tell(quote(question, at, "60m"), at)
    _, command = stage.act()
    assert isinstance(command, PlaceOrder)
    assert (command.quote_id, command.window_id) == ("quo_1", "60m")


def test_whoever_insists_on_their_window_asks_for_it_and_is_refused_on_record() -> None:
    stage = Stage(
        [ask(window_id="15m", asks_first=True)], habits=replace(HABITS, step_down_share=0.0)
    )
    at, question = stage.act()
    stage.tell(quote(question, at, "60m"), at)
    later, command = stage.act()
    assert isinstance(command, PlaceOrder)
    assert (command.quote_id, command.window_id) == (None, "15m")
    stage.refuse(command, later)
    assert stage.intents.next_at() is None


def test_some_only_wanted_to_know() -> None:
    stage = Stage([ask(asks_first=True), ask(2)], habits=replace(HABITS, quote_leave_share=1.0))
    at, question = stage.act()
    stage.tell(quote(question, at), at)
    assert stage.customers.left == ["x-1"]
    _, command = stage.act()
    assert isinstance(command, PlaceOrder)
    assert command.external_id == "x-2"


def test_whoever_is_told_that_there_is_nothing_tries_once_all_the_same() -> None:
    stage = Stage([ask(window_id="15m", asks_first=True)])
    at, question = stage.act()
    assert isinstance(question, RequestQuote)
    stage.customers.turned_away(question, "refused", at)
    later, command = stage.act()
    assert isinstance(command, PlaceOrder)
    assert (command.quote_id, command.window_id) == (None, None)
    stage.refuse(command, later)
    assert stage.intents.next_at() is None


def test_a_quote_that_is_over_is_not_cited_again() -> None:
    stage = Stage([ask(window_id="30m", asks_first=True)])
    at, question = stage.act()
    stage.tell(quote(question, at, "30m"), at)
    later, command = stage.act()
    stage.refuse(command, later, Reason.QUOTE_EXPIRED)
    _, again = stage.act()
    assert isinstance(again, PlaceOrder)
    assert (again.quote_id, again.window_id) == (None, "30m")


def test_two_who_ask_the_very_same_do_not_get_each_other_s_answers() -> None:
    first = ask(asks_first=True)
    twin = replace(first, external_id="x-2")
    stage = Stage([first, twin])
    at, question = stage.act()
    _, order = stage.act()
    assert isinstance(question, RequestQuote)
    assert isinstance(order, PlaceOrder)
    assert order.external_id == "x-2"
    stage.tell(quote(question, at), at)
    _, cited = stage.act()
    assert isinstance(cited, PlaceOrder)
    assert (cited.external_id, cited.quote_id) == ("x-1", "quo_1")


def test_a_click_that_cannot_be_passed_on_for_long_is_a_customer_gone() -> None:
    stage = Stage([ask(), ask(2, asks_first=True)])
    for external_id in ("x-1", "x-2"):
        at = stage.intents.next_at()
        assert at is not None
        command = stage.intents.take(at)
        assert isinstance(command, PlaceOrder | RequestQuote)
        assert not stage.customers.passed_on(command, at + PATIENCE_S + 1)
        assert stage.customers.lost[-1] == external_id
    assert stage.intents.next_at() is None


def test_a_request_that_makes_no_sense_is_not_made_for_ever() -> None:
    stage = Stage([ask()])
    at, command = stage.act()
    assert isinstance(command, PlaceOrder)
    stage.customers.turned_away(command, "invalid_value", at)
    assert stage.customers.lost == ["x-1"]
    assert not stage.customers.is_clicking


@pytest.mark.parametrize("settled", [e.ParcelPickedUp, e.OrderCollected, e.OrderNotCollected])
def test_nobody_cancels_what_is_out_of_the_store(settled: type[e.Event]) -> None:
    stage = Stage([ask()], settings=replace(CALM, cancel_share=1.0))
    at, command = stage.act()
    order = stage.take(command, at)
    (wish,) = [wish for _, wish in stage.intents.pending() if isinstance(wish, CancelOrder)]
    assert 60 <= wish.occurred_at - order.created_at <= 900
    facts = {
        e.ParcelPickedUp: lambda: e.ParcelPickedUp("cou_1", order.order_id, "sto_1", at),
        e.OrderCollected: lambda: e.OrderCollected(order.order_id, "sto_1", at),
        e.OrderNotCollected: lambda: e.OrderNotCollected(order.order_id, "sto_1", "nobody", at),
    }
    stage.tell(facts[settled](), at)
    assert not [wish for _, wish in stage.intents.pending() if isinstance(wish, CancelOrder)]


def answers(accept: float, silent: float, people: int = 300) -> list[bool | None]:
    """Return what people say about a substitute, None for nothing."""
    stage = Stage(
        [ask(number) for number in range(1, people + 1)],
        settings=replace(
            CALM, accept_substitute_share=accept, silent_share=silent, answer_s=(20, 150)
        ),
    )
    said: list[bool | None] = []
    for _ in range(people):
        at, command = stage.act()
        order = stage.take(command, at)
        offered = Substitution("milk", 1, "oat-drink", 1, at + 180)
        stage.tell(e.SubstitutionOffered(order.order_id, "sto_1", offered, at), at)
        found = [w for _, w in stage.intents.pending() if isinstance(w, AnswerSubstitution)]
        said.append(found[0].accepted if found else None)
        for wish in found:
            assert 20 <= wish.occurred_at - at <= 150
        answered = replace(offered)
        stage.tell(e.SubstitutionAnswered(order.order_id, "sto_1", answered, at), at)
        assert not [w for _, w in stage.intents.pending() if isinstance(w, AnswerSubstitution)]
    return said


def test_customers_accept_refuse_or_say_nothing() -> None:
    assert set(answers(1.0, 0.0, 5)) == {True}
    assert set(answers(0.0, 1.0, 5)) == {None}
    assert set(answers(0.0, 0.0, 5)) == {False}
    said = answers(0.6, 0.2)
    # 300 people: 4 standard deviations of a share of 0.6 are 4 x 0.028, of 0.2 4 x 0.023.
    assert abs(said.count(True) / 300 - 0.6) < 0.113
    assert abs(said.count(None) / 300 - 0.2) < 0.093


def test_hearing_the_log_again_brings_the_same_customers_back() -> None:
    stage = Stage(
        [ask(n, "30m", asks_first=n % 2 == 0) for n in range(1, 6)],
        settings=replace(CALM, cancel_share=0.5),
    )
    for _ in range(6):
        at, command = stage.act()
        if isinstance(command, RequestQuote):
            stage.tell(quote(command, at, "60m"), at)
        elif isinstance(command, PlaceOrder) and command.window_id == "30m":
            stage.refuse(command, at)
        else:
            stage.take(command, at)
    again = Stage(stage.asks, settings=stage.settings)
    for recorded in stage.told:
        again.customers.hear(recorded)

    def wishes(of: Stage) -> list[str]:
        return sorted(str(command) for _, command in of.intents.pending())

    assert wishes(again) == wishes(stage)
