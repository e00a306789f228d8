"""Texts that fit one message: 160 characters of the GSM 03.38 alphabet (3GPP TS 23.038).

A character outside it would turn the whole message into UCS-2, where 70 fit.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from typing import Final

LIMIT: Final = 160
"""Characters of one message."""

ALPHABET: Final = frozenset(
    "@£$¥èéùìòÇ\nØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""The basic alphabet without the carriage return; those of the extension count twice: not used."""

_INSTEAD: Final = str.maketrans(
    {
        "[": "(",
        "]": ")",
        "{": "(",
        "}": ")",
        "\\": "/",
        "|": "/",
        "~": "-",
        "^": "'",
        "`": "'",
        "€": "EUR",
        "\u2013": "-",
        "\u2014": "-",
        "\u2212": "-",
        "\u2018": "'",
        "\u2019": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u201e": '"',
        "\u2026": "...",
        "·": "-",
        "•": "-",
        "ł": "l",
        "Ł": "L",
        "đ": "d",
        "Đ": "D",
        "ð": "d",
        "Ð": "D",
        "þ": "th",
        "Þ": "Th",
        "œ": "oe",
        "Œ": "OE",
        "\u0131": "i",
        "ŋ": "n",
        "\u00a0": " ",
    }
)
_CUT: Final = ".."


def gsm(text: str) -> str:
    """Return a text in the alphabet: what it lacks is written otherwise, or as a question mark."""
    letters = []
    for letter in " ".join(text.translate(_INSTEAD).split()):
        if letter in ALPHABET:
            letters.append(letter)
            continue
        plain = "".join(
            part
            for part in unicodedata.normalize("NFKD", letter)
            if not unicodedata.combining(part)
        )
        letters.append("".join(part if part in ALPHABET else "?" for part in plain))
    return "".join(letters)


@dataclass(frozen=True, slots=True)
class Phrase:
    """A part of a message; its `words` (addresses, names, reasons) give way when it is too long.

    Attributes
    ----------
    template
        As for `str.format`, with the names of `words`; in the alphabet.
    """

    template: str
    words: dict[str, str] = field(default_factory=dict)


def message(*phrases: Phrase) -> str:
    """Return phrases as one message; the longest words are cut until it fits."""
    words = {
        (index, name): gsm(value)
        for index, phrase in enumerate(phrases)
        for name, value in phrase.words.items()
    }

    def text() -> str:
        parts = (
            phrase.template.format(**{name: words[index, name] for name in phrase.words}).strip()
            for index, phrase in enumerate(phrases)
        )
        return " ".join(part for part in parts if part)

    while (over := len(text()) - LIMIT) > 0 and words:
        key = max(words, key=lambda key: len(words[key]))
        kept = len(words[key]) - over - len(_CUT)
        shortest = max(0, len(words[key]) // 2)
        cut = words[key].removesuffix(_CUT)[: max(kept, shortest)].rstrip()
        shorter = cut + _CUT if cut else ""
        words[key] = shorter if len(shorter) < len(words[key]) else ""
    return text()[:LIMIT]
