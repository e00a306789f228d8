"""What is done at a text message, and what is answered: what was understood, and what comes next.

All of it runs on the engine's thread.  Every answer is one message; nothing raises.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from api.bootstrap import Service
from api.gsm import Phrase, message
from api.news import short
from api.problems import Problem
from api.proofs import check_pin
from api.sms_phrases import how_to_end, local, place_name, what_next
from api.sms_words import (
    USAGE,
    ClockTime,
    NotUnderstood,
    Said,
    Word,
    code_of,
    phone_number,
    read,
)
from api.views import upcoming
from dispatch import commands as c
from dispatch.commands import Command
from dispatch.errors import DispatchError, OfferExpiredError
from dispatch.model import OrderStatus, StopKind
from dispatch.records import Proof, ProofKind, StopOutcome, WorkReport
from dispatch.rules.late import Result, settle
from dispatch.snapshot import latest_place
from dispatch.state import Commitment, CourierState, OrderState
from geo.errors import GeoError

OPERATOR: Final = "sms"
"""Who acts for a courier who signed on by text message."""

_SHIFT_S: Final = 8 * 3600
_LONGEST_SHIFT_S: Final = 16 * 3600
_LATEST_S: Final = 12 * 3600
"""A time is of the last twelve hours; what is longer ago was meant to be to come."""
_AHEAD_S: Final = 60
_LISTED: Final = 3
_ROW: Final = 40
_CLOSED_KNOWN_S: Final = 24 * 3600
_ALL_WORDS: Final = (
    "ON 22:00, OFF, NEXT, OK, NO why, HERE, GOT, DONE pin, FAIL why, BACK, BREAK 15, RESUME, "
    "HELPME why, WHERE, LIST. With a time if late: DONE 18:05"
)


class _NotDoneError(Exception):
    """A message that was understood and cannot be done; says why and what can."""

    def __init__(self, phrase: Phrase, *, then_next: bool = False) -> None:
        super().__init__(phrase.template)
        self.phrase = phrase
        self.then_next = then_next


def answer(service: Service, phone: str, text: str) -> str:
    """Do what a text message says and return the answer; on the engine's thread."""
    state = service.live.engine.state
    number = phone_number(phone)
    found = [
        courier_id
        for courier_id, courier in sorted(state.couriers.items())
        if courier.courier.phone and phone_number(courier.courier.phone) == number
    ]
    if not found:
        return message(
            Phrase("No courier has this phone number. Ask the dispatcher to enter it, as +358...")
        )
    if len(found) > 1:
        names = ", ".join(state.courier(courier_id).courier.name for courier_id in found)
        return message(
            Phrase(
                "This number is of several couriers: {names}. Ask for one each.", {"names": names}
            )
        )
    return message(*_Talk(service, found[0]).answer(text))


class _Talk:
    """One message of one courier."""

    def __init__(self, service: Service, courier_id: str) -> None:
        self._service = service
        self._live = service.live
        self._courier_id = courier_id
        self._now = service.live.clock.now()
        self._codes = self._orders_by_code()

    @property
    def _courier(self) -> CourierState:
        return self._live.engine.state.courier(self._courier_id)

    def answer(self, text: str) -> tuple[Phrase, ...]:
        said = read(text, self._codes)
        if isinstance(said, NotUnderstood):
            return self._at_a_loss(said)
        try:
            done = _DEEDS[said.word](self, said)
        except _NotDoneError as reason:
            return (reason.phrase, self._next()) if reason.then_next else (reason.phrase,)
        except OfferExpiredError:
            return (Phrase("The offer is over."), self._next())
        except Problem as problem:
            return (Phrase("Not done: {why}", {"why": problem.detail}),)
        except (DispatchError, GeoError) as error:
            return (Phrase("Not done: {why}.", {"why": str(error).rstrip(".")}),)
        return done

    def _orders_by_code(self) -> dict[str, str]:
        """Return the orders a message may name, by code; the courier's own count first."""
        state, found = self._live.engine.state, dict[str, str]()
        since = self._now - _CLOSED_KNOWN_S
        closed = [key for key, order in state.closed.items() if (order.closed_at or 0) >= since]
        for order_id in (*closed, *state.orders, *self._mine()):
            label = "".join(letter for letter in short(order_id) if letter.isalnum())
            # The label shows the end of it; four digits are a PIN.
            if not label.isdecimal():
                found[label] = order_id
        for order_id in (*closed, *state.orders, *self._mine()):
            found[code_of(order_id)] = order_id
        return found

    def _mine(self) -> list[str]:
        courier = self._courier
        return [*(visit.stop.order_id for visit in upcoming(courier)), *courier.on_board]

    def _at_a_loss(self, said: NotUnderstood) -> tuple[Phrase, ...]:
        if said.text.upper().startswith("STOP"):
            return (Phrase("STOP is no word here: OFF to sign off, HELPME and why if stranded."),)
        if said.nearest is None:
            return (Phrase("Not understood, nothing done. HELP lists the words."), self._next())
        words = {"text": said.text}
        usage = USAGE[said.nearest]
        return (Phrase(f'"{{text}}" not understood, nothing done. Send {usage}.', words),)

    def _next(self) -> Phrase:
        return what_next(self._live, self._courier)

    def _do(self, command: Command) -> None:
        self._live.handle(command)

    # --- the shift -----------------------------------------------------------------------------

    def on(self, said: Said) -> tuple[Phrase, ...]:
        courier = self._courier
        working = courier.on_shift(self._now)
        if working and said.at is None and courier.shift_end is not None:
            ends_at = courier.shift_end
        else:
            ends_at = self._now + _SHIFT_S if said.at is None else self._to_come(said.at)
            if ends_at - self._now > _LONGEST_SHIFT_S:
                raise _NotDoneError(Phrase("That is more than 16 hours away. Send ON 22:00."))
            starts_at = courier.shift_start if working else self._now
            self._do(c.StartShift(self._courier_id, starts_at or self._now, ends_at))
        self._do(c.SignOn(self._courier_id, OPERATOR))
        return (Phrase(f"Signed on until {local(self._live, ends_at)}."), self._next())

    def off(self, _said: Said) -> tuple[Phrase, ...]:
        if not self._courier.on_shift(self._now):
            return (Phrase("You are off shift already."), self._next())
        self._do(c.EndShift(self._courier_id, self._now))
        if self._courier.busy:
            return (Phrase("Signed off; finish what you have begun."), self._next())
        return (Phrase("Signed off. Thank you!"),)

    def take_break(self, said: Said) -> tuple[Phrase, ...]:
        minutes = said.minutes or 0
        self._do(c.TakeBreak(self._courier_id, minutes * 60, self._now))
        until = self._courier.break_until
        if until is not None:
            return (Phrase(f"Break until {local(self._live, until)}. RESUME ends it."),)
        return (Phrase(f"{minutes} min of break once your bag is empty."), self._next())

    def resume(self, _said: Said) -> tuple[Phrase, ...]:
        courier = self._courier
        if courier.stranded is not None:
            self._do(c.RecoverCourier(self._courier_id, self._now))
        elif courier.break_until is None and courier.break_wanted_s is None:
            return (Phrase("You are on no break."), self._next())
        else:
            self._do(c.EndBreak(self._courier_id, self._now))
        return (Phrase("Good to have you back."), self._next())

    def help_me(self, said: Said) -> tuple[Phrase, ...]:
        courier = self._courier
        if courier.stranded is not None:
            return (Phrase("We know already."), self._next())
        left = len(courier.on_board)
        place = latest_place(courier, self._live.engine.positions).place
        reason = said.reason[:200] or "no reason given"
        self._do(c.StrandCourier(self._courier_id, place, reason, self._now))
        count = "parcel" if left == 1 else f"{left} parcels"
        parcels = f"Stay with your {count} until somebody comes. " if left else ""
        return (Phrase(f"Help is called. {parcels}RESUME when you can go on."),)

    # --- questions -----------------------------------------------------------------------------

    def next(self, _said: Said) -> tuple[Phrase, ...]:
        return (self._next(),)

    def where(self, _said: Said) -> tuple[Phrase, ...]:
        visits = upcoming(self._courier)
        if not visits:
            return (Phrase("No stop."), self._next())
        stop = visits[0].stop
        note = self._order(stop.order_id).order.note if stop.kind is StopKind.DROPOFF else ""
        words = {"place": place_name(self._live, stop), "note": note}
        return (Phrase(f"{code_of(stop.order_id)}: {{place}}. {{note}}", words),)

    def stops(self, _said: Said) -> tuple[Phrase, ...]:
        visits = upcoming(self._courier)
        if not visits:
            return (Phrase("No stop."), self._next())
        names = {StopKind.PICKUP: "GOT", StopKind.DROPOFF: "DONE", StopKind.RETURN: "BACK"}
        rows = [
            f"{local(self._live, visit.arrive_at)} {names.get(visit.stop.kind, '')} "
            f"{code_of(visit.stop.order_id)} {place_name(self._live, visit.stop).split(',')[0]}"
            for visit in visits
        ]
        more = len(rows) - _LISTED
        words = {"rows": "; ".join(row[:_ROW] for row in rows[:_LISTED])}
        return (Phrase("{rows}" + (f"; and {more} more" if more > 0 else "."), words),)

    def words(self, _said: Said) -> tuple[Phrase, ...]:
        return (Phrase(_ALL_WORDS),)

    # --- offers --------------------------------------------------------------------------------

    def accept(self, _said: Said) -> tuple[Phrase, ...]:
        commitment = self._courier.commitment
        if commitment is None or commitment.offered_until is None:
            return (Phrase("Nothing is offered now."), self._next())
        self._do(c.AcceptOffer(self._courier_id, commitment.stop.stop_id, self._now))
        return (Phrase(f"Yours: {code_of(commitment.stop.order_id)}."), self._next())

    def decline(self, said: Said) -> tuple[Phrase, ...]:
        commitment = self._courier.commitment
        if commitment is None or commitment.stop.kind is not StopKind.PICKUP:
            return (Phrase("There is nothing to decline."), self._next())
        if commitment.offered_until is None and not said.reason:
            raise _NotDoneError(Phrase("Say why: NO flat tyre."))
        reason = said.reason[:200] or "no reason given"
        stop = commitment.stop
        self._do(c.DeclineStop(self._courier_id, stop.stop_id, reason, self._now))
        return (Phrase(f"{code_of(stop.order_id)} goes to somebody else."), self._next())

    # --- stops ---------------------------------------------------------------------------------

    def here(self, said: Said) -> tuple[Phrase, ...]:
        courier, visits = self._courier, upcoming(self._courier)
        if courier.commitment is None and visits:
            stop = visits[0].stop
            if stop.order_id in courier.on_board:
                return self._afterwards(stop.stop_id, StopOutcome.ARRIVED, said, "Arrived")
        commitment = self._told()
        if said.at is not None:
            return self._afterwards(commitment.stop.stop_id, StopOutcome.ARRIVED, said, "Arrived")
        self._do(c.ArriveAtStop(self._courier_id, commitment.stop.stop_id, self._now))
        return (Phrase("Arrived."), self._next())

    def got(self, said: Said) -> tuple[Phrase, ...]:
        order = self._meant(said, StopKind.PICKUP)
        if said.at is not None:
            stop_id = self._stop_id(order, StopKind.PICKUP)
            return self._afterwards(stop_id, StopOutcome.COMPLETED, said, "Fetched")
        commitment = self._expected(order, StopKind.PICKUP)
        code = code_of(order.order_id)
        if order.status is not OrderStatus.READY:
            words = f"{code} is not ready by what the store says. If you have it all the same:"
            now = local(self._live, self._now)
            raise _NotDoneError(Phrase(f"{words} GOT {code} {now}"))
        if not said.code:
            self._refuse_too_soon(commitment, "GOT")
        self._do(c.CompleteStop(self._courier_id, commitment.stop.stop_id, self._now))
        return (Phrase(f"You have {code}."), self._next())

    def done(self, said: Said) -> tuple[Phrase, ...]:
        order = self._meant(said, StopKind.DROPOFF)
        proofs = self._proofs(order, said)
        stop_id = self._stop_id(order, StopKind.DROPOFF)
        present = self._courier.commitment
        if said.at is not None or present is None or present.stop.stop_id != stop_id:
            done = StopOutcome.COMPLETED
            return self._afterwards(stop_id, done, said, "Delivered", proofs)
        if not (said.code or said.pin):
            self._refuse_too_soon(present, "DONE")
        self._do(c.CompleteStop(self._courier_id, stop_id, self._now, proofs))
        return (Phrase(f"Delivered {code_of(order.order_id)}."), self._next())

    def fail(self, said: Said) -> tuple[Phrase, ...]:
        order = self._meant(said, StopKind.DROPOFF)
        stop_id = self._stop_id(order, StopKind.DROPOFF)
        present = self._courier.commitment
        if said.at is not None or present is None or present.stop.stop_id != stop_id:
            return self._afterwards(stop_id, StopOutcome.FAILED, said, "Not delivered")
        reason = said.reason[:200]
        self._do(c.FailStop(self._courier_id, stop_id, reason, self._now))
        return (Phrase(f"Not delivered: {code_of(order.order_id)}."), self._next())

    def back(self, said: Said) -> tuple[Phrase, ...]:
        order = self._meant(said, StopKind.RETURN)
        stop_id = self._stop_id(order, StopKind.RETURN)
        if said.at is not None:
            return self._afterwards(stop_id, StopOutcome.COMPLETED, said, "Returned")
        commitment = self._expected(order, StopKind.RETURN)
        if not said.code:
            self._refuse_too_soon(commitment, "BACK")
        self._do(c.CompleteStop(self._courier_id, stop_id, self._now))
        return (Phrase(f"{code_of(order.order_id)} is back."), self._next())

    def _told(self) -> Commitment:
        """Return the stop under way."""
        commitment = self._courier.commitment
        if commitment is None:
            raise _NotDoneError(Phrase("You have no stop under way."), then_next=True)
        if commitment.offered_until is not None:
            raise _NotDoneError(Phrase("Answer the offer first."), then_next=True)
        return commitment

    def _meant(self, said: Said, kind: StopKind) -> OrderState:
        """Return the order a message is about: by its code, or of the stop under way."""
        if said.code:
            return self._order(self._codes[said.code])
        commitment = self._told()
        if commitment.stop.kind is not kind:
            word = {StopKind.PICKUP: "GOT", StopKind.DROPOFF: "DONE", StopKind.RETURN: "BACK"}
            now_is = word.get(commitment.stop.kind, "NEXT")
            template = f"Not {said.word} now: your stop is one for {now_is}."
            raise _NotDoneError(Phrase(template), then_next=True)
        return self._order(commitment.stop.order_id)

    def _expected(self, order: OrderState, kind: StopKind) -> Commitment:
        """Return the stop under way, which must be the one meant."""
        commitment = self._told()
        if commitment.stop.stop_id != self._stop_id(order, kind):
            code, here = code_of(order.order_id), code_of(commitment.stop.order_id)
            template = f"{code} is not what you are doing; that is {here}."
            raise _NotDoneError(Phrase(template), then_next=True)
        return commitment

    def _refuse_too_soon(self, commitment: Commitment, word: str) -> None:
        """Ask once more when somebody can hardly be there: the same message may come twice."""
        if commitment.arrived_at is not None:
            return
        way_s = commitment.expected_at - commitment.committed_at
        if self._now - commitment.committed_at < way_s // 2:
            words = {"place": place_name(self._live, commitment.stop)}
            code = code_of(commitment.stop.order_id)
            template = f"So soon? {code} is for {{place}}. If you are there: HERE, then {word}."
            raise _NotDoneError(Phrase(template, words))

    def _proofs(self, order: OrderState, said: Said) -> tuple[Proof, ...]:
        """Return what was shown at a door; refuses a wrong PIN and a lacking proof."""
        if order.is_closed or order.courier_id != self._courier_id:
            # What becomes of it, the late rules say; a PIN is heard from whoever has the goods.
            return ()
        proofs = []
        if said.pin:
            check_pin(self._service, order, said.pin)
            proofs.append(Proof(ProofKind.PIN))
        if said.age_seen:
            proofs.append(Proof(ProofKind.AGE, "document seen"))
        wants_pin = order.order.pin_required and not said.pin
        wants_age = order.order.age_limit > 0 and not said.age_seen
        if wants_pin or wants_age:
            lead = "The customer tells you a PIN." if wants_pin else "Look at a document."
            raise _NotDoneError(Phrase(f"{lead} {how_to_end(order)}"))
        return tuple(proofs)

    def _afterwards(
        self,
        stop_id: str,
        outcome: StopOutcome,
        said: Said,
        word: str,
        proofs: tuple[Proof, ...] = (),
    ) -> tuple[Phrase, ...]:
        """Take in what was done before, or in another order than told."""
        at = self._now if said.at is None else self._past(said.at)
        report = WorkReport(stop_id, outcome, at, said.reason[:200], proofs)
        command = c.TakeInWork(self._courier_id, (report,))
        engine = self._live.engine
        settled, _ = settle(engine.state, command, self._now, engine.policy)
        self._do(command)
        result, outcome_said = settled[0].result, settled[0].outcome
        when = local(self._live, at)
        if result is Result.ALREADY:
            return (Phrase("We know that already."), self._next())
        if result is Result.TAKEN:
            return (Phrase(f"{word} at {when}."), self._next())
        words = {"why": outcome_said or "there is no such stop"}
        return (Phrase(f"Noted, {when}, for the dispatcher: {{why}}.", words), self._next())

    def _order(self, order_id: str) -> OrderState:
        return self._live.engine.state.order(order_id)

    @staticmethod
    def _stop_id(order: OrderState, kind: StopKind) -> str:
        return f"stp_{order.order_id.removeprefix('ord_')}_{kind[0]}"

    # --- times ---------------------------------------------------------------------------------

    def _days(self, at: ClockTime) -> list[int]:
        """Return when a clock shows a time: yesterday, today and tomorrow."""
        zone = ZoneInfo(self._live.city.time_zone)
        today = datetime.fromtimestamp(self._now, UTC).astimezone(zone)
        there = today.replace(hour=at.hour, minute=at.minute, second=0, microsecond=0)
        return [int((there + timedelta(days=days)).timestamp()) for days in (-1, 0, 1)]

    def _past(self, at: ClockTime) -> int:
        """Return when something was done, not longer ago than half a day."""
        ago = [when for when in self._days(at) if when <= self._now + _AHEAD_S]
        if not ago or self._now - ago[-1] > _LATEST_S:
            said = f"{at.hour:02}:{at.minute:02}"
            now = local(self._live, self._now)
            raise _NotDoneError(Phrase(f"{said} is still to come; it is {now}. Nothing done."))
        return min(ago[-1], self._now)

    def _to_come(self, at: ClockTime) -> int:
        return next(when for when in self._days(at) if when > self._now)


_DEEDS: Final[Mapping[Word, Callable[[_Talk, Said], tuple[Phrase, ...]]]] = MappingProxyType(
    {
        Word.ON: _Talk.on,
        Word.OFF: _Talk.off,
        Word.NEXT: _Talk.next,
        Word.OK: _Talk.accept,
        Word.NO: _Talk.decline,
        Word.HERE: _Talk.here,
        Word.GOT: _Talk.got,
        Word.DONE: _Talk.done,
        Word.FAIL: _Talk.fail,
        Word.BACK: _Talk.back,
        Word.BREAK: _Talk.take_break,
        Word.RESUME: _Talk.resume,
        Word.HELPME: _Talk.help_me,
        Word.WHERE: _Talk.where,
        Word.LIST: _Talk.stops,
        Word.HELP: _Talk.words,
    }
)
"""What each word does."""
