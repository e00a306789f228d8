"""Text messages: what is understood, what is not, and that every answer fits one message."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.gsm import ALPHABET, LIMIT, Phrase, gsm, message
from api.sms_answers import answer
from api.sms_words import (
    ALIASES,
    USAGE,
    ClockTime,
    NotUnderstood,
    Said,
    Word,
    code_of,
    phone_number,
    read,
)
from dispatch.model import Courier, LonLat, Mode
from dispatch.state import CourierState, State

CODES = {"7QX2P", "THERE"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("on", Said(Word.ON)),
        ("Sign on!", Said(Word.ON)),
        ("ON till 22", Said(Word.ON, at=ClockTime(22, 0))),
        ("on 22.30", Said(Word.ON, at=ClockTime(22, 30))),
        ("ON 2230", Said(Word.ON, at=ClockTime(22, 30))),
        ("  ok, thanks! ", Said(Word.OK)),
        ("Yes please", Said(Word.OK)),
        ("no too far", Said(Word.NO, reason="too far")),
        ("HERE.", Said(Word.HERE)),
        ("here 18:05", Said(Word.HERE, at=ClockTime(18, 5))),
        ("Got", Said(Word.GOT)),
        ("got 7qx2p", Said(Word.GOT, code="7QX2P")),
        ("GOT pcl_ab3c7qx2p", Said(Word.GOT, code="7QX2P")),
        ("Dóne 4711", Said(Word.DONE, pin="4711")),
        ("done 18:05 4711", Said(Word.DONE, pin="4711", at=ClockTime(18, 5))),
        ("DONE 7QX2P 4711 18.05", Said(Word.DONE, "7QX2P", "4711", at=ClockTime(18, 5))),
        ("DONE 4711 ID", Said(Word.DONE, pin="4711", age_seen=True)),
        ("ＤＯＮＥ ４７１１", Said(Word.DONE, pin="4711")),  # noqa: RUF001  a phone writes so
        ("fail nobody home", Said(Word.FAIL, reason="nobody home")),
        (
            "FAIL 7qx2p 18:05 Gate is locked",
            Said(Word.FAIL, code="7QX2P", at=ClockTime(18, 5), reason="Gate is locked"),
        ),
        ("back", Said(Word.BACK)),
        ("break 15", Said(Word.BREAK, minutes=15)),
        ("Break 20min", Said(Word.BREAK, minutes=20)),
        ("resume", Said(Word.RESUME)),
        ("HELPME flat tyre", Said(Word.HELPME, reason="flat tyre")),
        ("I\u2019m stranded", Said(Word.HELPME)),
        ("Where are you?", Said(Word.WHERE)),
        ("?", Said(Word.HELP)),
        ("help me find it", Said(Word.HELP)),
    ],
)
def test_messages_are_read_forgivingly(text: str, said: Said) -> None:
    assert read(text, CODES) == said


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("On my way", Word.ON),
        ("Got it", Word.GOT),
        ("got 7qx2x", Word.GOT),
        ("Done with lunch", Word.DONE),
        ("Done?", Word.DONE),
        ("ok what?", Word.OK),
        ("No problem", Word.NO),
        ("here we go", Word.HERE),
        ("Off to lunch", Word.OFF),
        ("Break a leg", Word.BREAK),
        ("break 0", Word.BREAK),
        ("break 999", Word.BREAK),
        ("fail", Word.FAIL),
        ("done 25:99", Word.DONE),
        ("done 4711 4712", Word.DONE),
        ("back soon", Word.BACK),
        ("dne 4711", Word.DONE),
        ("delivred", Word.DONE),
        ("4711", None),
        ("xyzzy", None),
        ("\U0001f600 \U0001f44d", None),
        ("", None),
        (" .:' ", None),
    ],
)
def test_what_cannot_be_read_is_not_guessed(text: str, nearest: Word | None) -> None:
    found = read(text, CODES)
    assert isinstance(found, NotUnderstood)
    assert found.nearest is nearest


def test_only_a_parcel_there_is_is_a_code() -> None:
    assert read("FAIL there is a dog", CODES) == Said(Word.FAIL, code="THERE", reason="is a dog")
    assert read("FAIL there is a dog", {"7QX2P"}) == Said(Word.FAIL, reason="there is a dog")


@given(st.text(max_size=300), st.sets(st.text(max_size=6)))
def test_any_text_can_be_read(text: str, codes: set[str]) -> None:
    assert isinstance(read(text, codes), Said | NotUnderstood)


def test_every_word_says_how_it_is_used_and_is_understood_as_it_says() -> None:
    for word in Word:
        assert ALIASES[word.value] is word
        shown = USAGE[word].split(",")[0]
        assert read(shown.rpartition(": ")[2] if ": " in shown else word.value) is not None
        example = USAGE[word].rpartition(": ")[2]
        if ": " in USAGE[word]:
            found = read(example)
            assert isinstance(found, Said)
            assert found.word is word


def test_codes_are_short_and_parts_of_a_split_order_have_their_own() -> None:
    assert code_of("ord_xqdns3wa5o6n76yo") == "N76YO"
    assert code_of("ord_xqdns3wa5o6n76yo.2") == "76YO2"


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("+358 40 123 4567", "+358401234567"),
        ("00358401234567", "+358401234567"),
        ("(+358) 40-123.4567", "+358401234567"),
        (" 358401234567", "+358401234567"),
        ("040 123 4567", "0401234567"),
        ("", ""),
        ("Twilio", "Twilio"),
    ],
)
def test_phone_numbers_are_kept_in_one_form(written: str, kept: str) -> None:
    assert phone_number(written) == kept


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("Hämeentie 5 Å", "Hämeentie 5 Å"),
        ("Łódź [2] {3} ~4", "Lodz (2) (3) -4"),
        ("5 €  “ok” – fine…", '5 EUR "ok" - fine...'),  # noqa: RUF001  what people paste
        ("Čapek ½", "Capek 1?2"),
        ("Москва", "??????"),
        ("\U0001f600!", "?!"),
        ("a\u0000b", "a?b"),
    ],
)
def test_letters_the_alphabet_lacks_are_written_otherwise(text: str, sent: str) -> None:
    assert gsm(text) == sent


@given(st.text(max_size=400), st.text(max_size=400))
def test_any_words_fit_one_message(one: str, other: str) -> None:
    sent = message(
        Phrase("Bring 7QX2P to {place}. {note}", {"place": one, "note": other}),
        Phrase("HERE when there."),
    )
    assert len(sent) <= LIMIT
    assert set(sent) <= ALPHABET
    assert sent.startswith("Bring 7QX2P to")
    assert sent.endswith("HERE when there.")


def test_the_longest_words_give_way_first() -> None:
    sent = message(Phrase("{a}; {b}", {"a": "short", "b": "x" * 300}))
    assert sent.startswith("short; xxx")
    assert sent.endswith("xx..")
    assert len(sent) == LIMIT


def test_a_number_of_two_couriers_is_answered_helpfully() -> None:
    """Registering refuses it, but a log of old may have it."""
    crew = {
        courier_id: CourierState(
            Courier(courier_id, name, Mode.BIKE, LonLat(24.9, 60.2), phone="+358401234567"),
            LonLat(24.9, 60.2),
            0,
        )
        for courier_id, name in (("cou_a", "Aino"), ("cou_b", "Otto"))
    }
    engine = SimpleNamespace(state=State("town", couriers=crew))
    service: Any = SimpleNamespace(live=SimpleNamespace(engine=engine))
    said = answer(service, "00358 40 1234567", "on")
    assert said == "This number is of several couriers: Aino, Otto. Ask for one each."
