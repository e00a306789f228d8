"""What a courier says by text message: short words, read forgivingly, never guessed at.

Case, accents and punctuation do not matter.  A word with something behind it that cannot belong
to it (`On my way`, `Got it`) is not that word: a message that is not understood does nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Word(StrEnum):
    """What can be said."""

    ON = "ON"
    OFF = "OFF"
    NEXT = "NEXT"
    OK = "OK"
    NO = "NO"
    HERE = "HERE"
    GOT = "GOT"
    DONE = "DONE"
    FAIL = "FAIL"
    BACK = "BACK"
    BREAK = "BREAK"
    RESUME = "RESUME"
    HELPME = "HELPME"
    WHERE = "WHERE"
    LIST = "LIST"
    HELP = "HELP"


ALIASES: Final[Mapping[str, Word]] = MappingProxyType(
    {
        **{word.value: word for word in Word},
        "START": Word.ON,
        "SIGNON": Word.ON,
        "LOGIN": Word.ON,
        "SIGNOFF": Word.OFF,
        "LOGOUT": Word.OFF,
        "ROUTE": Word.NEXT,
        "OKAY": Word.OK,
        "YES": Word.OK,
        "ACCEPT": Word.OK,
        "DECLINE": Word.NO,
        "ARRIVED": Word.HERE,
        "PICKED": Word.GOT,
        "DELIVERED": Word.DONE,
        "FAILED": Word.FAIL,
        "RETURNED": Word.BACK,
        "PAUSE": Word.BREAK,
        "CONTINUE": Word.RESUME,
        "STRANDED": Word.HELPME,
        "SOS": Word.HELPME,
        "ADDRESS": Word.WHERE,
        "STOPS": Word.LIST,
        "WORDS": Word.HELP,
        "INFO": Word.HELP,
        "?": Word.HELP,
    }
)
"""Everything that is understood as a word; some gateways keep HELP and STOP for themselves."""

USAGE: Final[Mapping[Word, str]] = MappingProxyType(
    {
        Word.ON: "ON or ON 22:00 to sign on",
        Word.OFF: "OFF to sign off",
        Word.NEXT: "NEXT for what to do",
        Word.OK: "OK to take an offer",
        Word.NO: "NO and why to leave it",
        Word.HERE: "HERE when you are there",
        Word.GOT: "GOT when you have the parcel",
        Word.DONE: "DONE, with the PIN if it needs one: DONE 1234",
        Word.FAIL: "FAIL and why: FAIL nobody home",
        Word.BACK: "BACK when the parcel is back at the store",
        Word.BREAK: "BREAK and minutes: BREAK 15",
        Word.RESUME: "RESUME to go on",
        Word.HELPME: "HELPME and why if you cannot go on",
        Word.WHERE: "WHERE for the address",
        Word.LIST: "LIST for all stops",
        Word.HELP: "HELP for all words",
    }
)
"""How each word is used, in a few words."""

HARMLESS: Final = frozenset({Word.NEXT, Word.WHERE, Word.LIST, Word.HELP})
"""Questions: they change nothing, whatever stands behind them."""

CODE_LENGTH: Final = 5
MOST_BREAK_MIN: Final = 240

_POLITE: Final = frozenset({"PLEASE", "THANKS", "THANK", "YOU", "NOW"})
_UNTIL: Final = frozenset({"UNTIL", "TILL", "TO"})
_AGE: Final = frozenset({"ID", "AGE"})
_MINUTES: Final = frozenset({"M", "MIN", "MINS", "MINUTE", "MINUTES"})
_PAIRS: Final = {
    ("SIGN", "ON"): "ON",
    ("LOG", "IN"): "ON",
    ("SIGN", "OFF"): "OFF",
    ("LOG", "OUT"): "OFF",
    ("I'M", "STRANDED"): "HELPME",
    ("IM", "STRANDED"): "HELPME",
    ("PICKED", "UP"): "GOT",
}
_CHAT: Final = frozenset({"PROBLEM", "PROBLEMS", "WORRIES"})
_SPLIT: Final = re.compile(r"[\s,;!\"()<>]+")
_TIME: Final = re.compile(r"([0-9]{1,2})[:.]([0-9]{2})")
_LATE_HOUR: Final = re.compile(r"([0-9]{1,2})([0-9]{2})?")
_PIN: Final = re.compile(r"[0-9]{4}")
_NUMBER: Final = re.compile(r"([0-9]{1,3})([A-Z]*)")
_ID_HEADS: Final = ("PCL", "ORD", "STP")
_MOST_READ: Final = 500
_HOURS, _MINUTES_OF_HOUR = 24, 60


@dataclass(frozen=True, slots=True)
class ClockTime:
    """A time on a clock, without a day."""

    hour: int
    minute: int


@dataclass(frozen=True, slots=True)
class Said:
    """A message that was understood.

    Attributes
    ----------
    code
        Of the parcel meant; empty for the stop under way.
    pin, age_seen
        What was shown at the door.
    at
        When it was done or until when, on the city's clock.
    reason
        As it was written.
    """

    word: Word
    code: str = ""
    pin: str = ""
    age_seen: bool = False
    at: ClockTime | None = None
    minutes: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    """A message that was not.

    Attributes
    ----------
    text
        What could not be read.
    nearest
        The word it looks like, None when it looks like none.
    """

    text: str
    nearest: Word | None


def code_of(order_id: str) -> str:
    """Return the short code of an order's parcel, as it is written in messages and on sheets."""
    letters = "".join(letter for letter in order_id.upper() if letter.isalnum())
    return letters[-CODE_LENGTH:]


def phone_number(text: str) -> str:
    """Return a phone number as it is kept: without spaces, `00` for `+`."""
    number = re.sub(r"[\s().\-/]", "", text)
    if number.startswith("00"):
        return "+" + number[2:]
    # Some gateways leave the plus out; a form may have made a space of it.
    return "+" + number if number[:1].isdigit() and not number.startswith("0") else number


def read(text: str, codes: Collection[str] = frozenset()) -> Said | NotUnderstood:
    """Read a message.

    Parameters
    ----------
    codes
        Codes of parcels there are; no other word is one.
    """
    raw = [part for part in _SPLIT.split(text[:_MOST_READ]) if part.strip(".:'*-_")]
    if not raw:
        asks = "?" in text
        return Said(Word.HELP) if asks and not text.strip(" ?") else NotUnderstood("", None)
    plain = [_plain(part) for part in raw]
    first, rest = _PAIRS.get(tuple(plain[:2])), 2  # type: ignore[arg-type]  # a pair or shorter
    if first is None:
        first, rest = plain[0], 1
    word = ALIASES.get(first)
    if word is None:
        near = get_close_matches(first, ALIASES, n=1, cutoff=0.6)
        return NotUnderstood(raw[0], ALIASES[near[0]] if near else None)
    if word in HARMLESS:
        return Said(word)
    if text.rstrip().endswith("?"):
        # A question is no report.
        return NotUnderstood(" ".join(raw), word)
    said = _read_rest(word, raw[rest:], plain[rest:], codes)
    return said if said is not None else NotUnderstood(" ".join(raw), word)


def _read_rest(  # noqa: PLR0911  a table
    word: Word, raw: list[str], plain: list[str], codes: Collection[str]
) -> Said | None:
    """Return what stands behind a word, None when it cannot belong to it."""
    if word is Word.HELPME:
        return Said(word, reason=" ".join(raw))
    if word is Word.NO:
        return None if plain and plain[0] in _CHAT else Said(word, reason=" ".join(raw))
    if word is Word.FAIL:
        return _read_failure(raw, plain, codes)
    left = [part for part in plain if part not in _POLITE]
    if word is Word.ON:
        return _read_until([part for part in left if part not in _UNTIL])
    if word is Word.BREAK:
        return _read_break(left)
    if word in {Word.OFF, Word.OK, Word.RESUME}:
        return None if left else Said(word)
    return _read_stop(word, left, codes)


def _read_until(left: list[str]) -> Said | None:
    if not left:
        return Said(Word.ON)
    at = _clock(left[0])
    if at is None and (found := _LATE_HOUR.fullmatch(left[0])):
        at = _valid(int(found[1]), int(found[2] or 0))
    return Said(Word.ON, at=at) if at is not None and len(left) == 1 else None


def _read_break(left: list[str]) -> Said | None:
    found = _NUMBER.fullmatch(left[0]) if left else None
    if found is None or (found[2] and found[2] not in _MINUTES):
        return None
    minutes = int(found[1])
    if not 1 <= minutes <= MOST_BREAK_MIN or any(part not in _MINUTES for part in left[1:]):
        return None
    return Said(Word.BREAK, minutes=minutes)


def _read_stop(word: Word, left: list[str], codes: Collection[str]) -> Said | None:
    """Return what was done at a stop: each part once, in any order."""
    code = pin = ""
    at: ClockTime | None = None
    age_seen = False
    for part in left:
        if at is None and (clock := _clock(part)) is not None:
            at = clock
        elif not code and word is not Word.HERE and (known := _code(part, codes)):
            code = known
        elif word is Word.DONE and not pin and _PIN.fullmatch(part):
            pin = part
        elif word is Word.DONE and part in _AGE:
            age_seen = True
        else:
            return None
    return Said(word, code=code, pin=pin, age_seen=age_seen, at=at)


def _read_failure(raw: list[str], plain: list[str], codes: Collection[str]) -> Said | None:
    code, at, used = "", None, 0
    for part in plain:
        if at is None and (clock := _clock(part)) is not None:
            at = clock
        elif not code and (known := _code(part, codes)):
            code = known
        else:
            break
        used += 1
    reason = " ".join(raw[used:])
    return Said(Word.FAIL, code=code, at=at, reason=reason) if reason else None


def _clock(part: str) -> ClockTime | None:
    found = _TIME.fullmatch(part)
    return None if found is None else _valid(int(found[1]), int(found[2]))


def _valid(hour: int, minute: int) -> ClockTime | None:
    return ClockTime(hour, minute) if hour < _HOURS and minute < _MINUTES_OF_HOUR else None


def _code(part: str, codes: Collection[str]) -> str:
    """Return the code that a part of a message is, empty when it is none."""
    letters = "".join(letter for letter in part if letter.isalnum())
    if letters in codes:
        return letters
    short = letters[-CODE_LENGTH:]
    return short if letters.startswith(_ID_HEADS) and short in codes else ""


def _plain(part: str) -> str:
    """Return a part of a message in capitals, without accents and what stands around it."""
    letters = unicodedata.normalize("NFKD", part.replace("\u2019", "'"))
    bare = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return bare.strip(".:'*-_?#").upper() or "?"
