"""What couriers would be told by text message, from the log: for a gateway that asks for it."""

from __future__ import annotations

from collections.abc import Sequence

from api.gsm import Phrase, message
from api.live import Live
from api.shapes import couriers
from api.sms_phrases import asked, local, told
from api.sms_words import code_of
from dispatch import events as e
from dispatch.codec import to_rfc3339
from dispatch.state import Commitment


def news(live: Live, courier_id: str, recorded: Sequence[e.Recorded]) -> list[couriers.Text]:
    """Return the messages for a courier among some events; on the engine's thread.

    Raises
    ------
    UnknownIdError
        There is no such courier.
    """
    courier = live.engine.state.courier(courier_id)
    found: list[couriers.Text] = []
    for entry in recorded:
        phrase = _phrase(live, courier_id, entry.event)
        if phrase is not None:
            found.append(
                {
                    "seq": entry.seq,
                    "at": to_rfc3339(entry.at),
                    "to": courier.courier.phone or None,
                    "text": message(phrase),
                }
            )
    return found


def _phrase(  # noqa: PLR0911  a table
    live: Live, courier_id: str, event: e.Event
) -> Phrase | None:
    if getattr(event, "courier_id", None) != courier_id:
        return None
    match event:
        case e.OfferMade():
            until = event.expires_at
            return asked(
                live,
                Commitment(event.stop, event.occurred_at, event.expected_at, offered_until=until),
            )
        case e.StopCommitted():
            return told(live, Commitment(event.stop, event.occurred_at, event.expected_at))
        case e.StopReleased():
            words = {"why": event.reason}
            return Phrase(f"Leave {code_of(event.order_id)}: {{why}}. NEXT for what to do.", words)
        case e.OfferLapsed():
            return Phrase(f"The offer of {code_of(event.order_id)} is over.")
        case e.StandbyGiven():
            store = live.engine.state.stores.get(event.store_id)
            words = {"place": store.store.name if store is not None else "the store"}
            return Phrase("Go to {place} and wait nearby.", words)
        case e.BreakStarted():
            return Phrase(f"Your break has begun, until {local(live, event.ends_at)}.")
        case _:
            return None
