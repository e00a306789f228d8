"""What couriers are told by text message: their stops in words, with what to send next."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from api.gsm import Phrase
from api.live import Live
from api.sms_words import code_of
from api.views import upcoming
from dispatch.model import Stop, StopKind
from dispatch.rules.stops import required_proofs
from dispatch.state import Commitment, CourierState, OrderState

_KG: Final = 1000


def local(live: Live, at: int) -> str:
    """Return a moment as the clock on the city's wall shows it."""
    zone = ZoneInfo(live.city.time_zone)
    return datetime.fromtimestamp(at, UTC).astimezone(zone).strftime("%H:%M")


def place_name(live: Live, stop: Stop) -> str:
    """Return what the place of a stop is called: a door's address, or a store's name and address.

    A point where goods waited is gone once they were fetched.
    """
    state = live.engine.state
    if stop.kind is StopKind.DROPOFF:
        return state.order(stop.order_id).order.address
    store = state.stores.get(stop.store_id)
    if store is None:
        return "where it waited"
    addresses = {known.store_id: known.address for known in live.city.stores}
    address = addresses.get(stop.store_id, "")
    return f"{store.store.name}, {address}" if address else store.store.name


def what_next(live: Live, courier: CourierState) -> Phrase:  # noqa: PLR0911  a table
    """Say what a courier does next, and what they send then."""
    commitment = courier.commitment
    if commitment is not None:
        return asked(live, commitment) if commitment.offered_until else told(live, commitment)
    if courier.stranded is not None:
        return Phrase("Wait for help. RESUME when you can go on.")
    if courier.break_until is not None:
        return Phrase(f"Break until {local(live, courier.break_until)}. RESUME ends it.")
    visits = upcoming(courier)
    if visits:
        at, stop = local(live, visits[0].arrive_at), visits[0].stop
        verb = {StopKind.PICKUP: "fetch", StopKind.RETURN: "bring back"}.get(stop.kind, "bring")
        words = {"place": place_name(live, stop)}
        # Whoever is early with the goods in hand need not wait to be told.
        here = " HERE when there." if stop.order_id in courier.on_board else ""
        return Phrase(f"Next, about {at}: {verb} {code_of(stop.order_id)}, {{place}}.{here}", words)
    if courier.standby is not None:
        store = live.engine.state.store(courier.standby.store_id).store.name
        return Phrase("Go to {store} and wait nearby.", {"store": store})
    if courier.on_shift(live.clock.now()):
        return Phrase("Nothing to do now; we text you.")
    return Phrase("You are off shift. ON 22:00 signs on until then.")


def asked(live: Live, offer: Commitment) -> Phrase:
    """Say what a courier is asked to do."""
    stop = offer.stop
    order = live.engine.state.order(stop.order_id).order
    until = local(live, offer.offered_until or offer.expected_at)
    kilos = max(1, round(order.weight_g / _KG))
    words = {"place": place_name(live, stop), "door": order.address}
    return Phrase(
        f"Offer {code_of(stop.order_id)}, {kilos} kg: {{place}} to {{door}}. "
        f"OK or NO and why, by {until}.",
        words,
    )


def told(live: Live, commitment: Commitment) -> Phrase:
    """Say what a courier is told to do now."""
    stop = commitment.stop
    order = live.engine.state.order(stop.order_id)
    there = commitment.arrived_at is not None
    words = {"place": place_name(live, stop)}
    code = code_of(stop.order_id)
    if stop.kind is StopKind.PICKUP:
        return _pickup(live, order, words, there=there)
    if stop.kind is StopKind.RETURN:
        return Phrase(f"Bring {code} back to {{place}}. BACK when it is there.", words)
    if not there:
        note = order.order.note
        with_note = {**words, "note": note} if note else words
        tail = " {note}." if note else ""
        return Phrase(f"Bring {code} to {{place}}.{tail} HERE when there.", with_note)
    return Phrase(f"Hand over {code}, {{place}}. {how_to_end(order)}", words)


def _pickup(live: Live, order: OrderState, words: dict[str, str], *, there: bool) -> Phrase:
    code = code_of(order.order_id)
    if not there:
        return Phrase(f"Fetch {code} at {{place}}. HERE when there.", words)
    if order.ready_at is not None:
        return Phrase(f"Take {code} at {{place}}. GOT when you have it.", words)
    forecast = order.ready_forecast
    when = "" if forecast is None else f", ready about {local(live, forecast)}"
    return Phrase(f"Wait for {code} at {{place}}{when}. GOT when you have it.", words)


def how_to_end(order: OrderState) -> str:
    """Return what is sent when a parcel is handed over, and what else when it cannot be."""
    wanted = {kind.value for kind in required_proofs(order)}
    done = "DONE"
    if "pin" in wanted:
        done += " and the PIN"
    if "age" in wanted:
        done += f" ID once you saw they are {order.order.age_limit}"
    return f"Then {done}, or FAIL and why."
