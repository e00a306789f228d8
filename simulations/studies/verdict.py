"""What a comparison says, in plain sentences: is B better than A, by how much, and how sure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from simulations.studies.figures_text import amount
from simulations.studies.measures import FIGURES
from simulations.studies.statistics import evenings_needed
from simulations.studies.study import Difference

IN_TIME: Final = "in_time_per_100_orders"
LATE: Final = "late_min_per_100_orders"
TO_DOOR: Final = "click_to_door_p50_s"
HOURS: Final = "courier_hours"

_FEWEST_RANKS: Final = 6
"""With fewer pairs the signed-rank test can never be sure."""
_DOUBTFUL: Final = 0.10
_LITTLE: Final = 0.10
_MOST_OF_IT: Final = 0.99
_TEN: Final = 10
_MANY: Final = 10_000
_SUBJECTS: Final[Mapping[str, str]] = {
    IN_TIME: "orders in time",
    LATE: "minutes late per 100 orders",
    TO_DOOR: "the time from click to door",
    HOURS: "courier hours",
}
"""What the headlines are about; their figures are worded in `_said`."""

_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    IN_TIME: ("fewer", "more"),
    LATE: ("less", "more"),
    TO_DOOR: ("shorter", "longer"),
    HOURS: ("fewer", "more"),
}
"""What less and more of each is called."""


def verdict(found: Mapping[str, Difference], breaches: int = 0) -> tuple[str, ...]:
    """Return sentences, the most important first.

    Parameters
    ----------
    found
        Every figure's difference, B less A (`simulations.studies.statistics.differences`).
    breaches
        What the audit found wrong in either study.
    """
    sentences: list[str] = []
    if breaches:
        sentences.append(distrust(breaches))
    evenings = len(found[IN_TIME].pairs)
    if not evenings:
        return (*sentences, "No evening has a figure for both: nothing can be compared.")
    if not any(any(one.pairs) for one in found.values()):
        same = "this evening" if evenings == 1 else f"all {evenings} evenings"
        return (*sentences, f"A and B come to exactly the same on {same}.")
    if evenings == 1:
        told = "; ".join(_said(name, found[name]) for name in _SUBJECTS if found[name].pairs)
        sentences.append(f"On this one evening: {told}.")
        sentences.append(
            "One evening has no interval, so nothing is proved: ask for --replications 10."
        )
        return tuple(sentences)
    sentences.append(_judgement(found, evenings))
    clear = [name for name in _SUBJECTS if found[name].is_clear]
    sentences += _shown(found, clear)
    sentences += [
        _not_shown(name, found[name])
        for name in _SUBJECTS
        if name not in clear and found[name].pairs and not (name == HOURS and clear)
    ]
    saved = found[IN_TIME].saved
    if saved is not None and evenings > 1:
        sentences.append(_pairing(saved))
    return tuple(sentences)


def distrust(breaches: int) -> str:
    """Return what is to be said of figures whose logs the audit found something wrong with."""
    what = "a breach" if breaches == 1 else f"{breaches} breaches"
    return f"The audit of the logs found {what}: do not trust these figures."


def is_better(one: Difference) -> bool:
    """Tell whether B does better by a figure of which more or less is better."""
    return ((one.mean or 0.0) > 0) == (FIGURES[one.name].better == "more")


def _judgement(found: Mapping[str, Difference], evenings: int) -> str:
    better = [name for name in _SUBJECTS if found[name].is_clear and is_better(found[name])]
    worse = [name for name in _SUBJECTS if found[name].is_clear and not is_better(found[name])]
    if not better and not worse:
        return f"These {evenings} evenings do not tell A and B apart."
    if not worse:
        return "B is better." if set(better) - {HOURS} else "B does the same with less."
    if not better:
        return "B is worse." if set(worse) - {HOURS} else "B does no better with more."
    if worse == [HOURS]:
        return "B is better, and costs more."
    if better == [HOURS]:
        return "B is worse, and costs less."
    return "B is better in one thing and worse in another."


def _shown(found: Mapping[str, Difference], clear: list[str]) -> list[str]:
    """Return a sentence for each headline that differs; the hours go with the first."""
    told = [name for name in clear if name != HOURS]
    if not told:
        return [f"{_said(name, found[name])}{_sure(name, found[name])}." for name in clear]
    sentences = [f"{_said(name, found[name])}{_sure(name, found[name])}" for name in told]
    sentences[0] += f" {_for_hours(found[HOURS])}"
    return [f"{sentence}." for sentence in sentences]


def _for_hours(hours: Difference) -> str:
    if hours.mean is None or not any(hours.pairs):
        return "for the same courier hours"
    amount = f"{abs(hours.mean):.1f} {_WORDS[HOURS][hours.mean > 0]} courier hours"
    if hours.is_clear:
        return f"for {amount}"
    return f"for about the same courier hours ({_range(HOURS, hours)})"


def _said(name: str, one: Difference) -> str:
    """Return what a difference means, without its interval."""
    mean = one.mean or 0.0
    size = f"{_amount(name, abs(mean))} {_WORDS[name][mean > 0]}"
    if name == IN_TIME:
        return f"B brings {size} of 100 orders in time"
    if name == LATE:
        return f"B is late by {size} per 100 orders"
    if name == TO_DOOR:
        return f"B's median time from click to door is {size}"
    return f"B takes {size} courier hours"


def _sure(name: str, one: Difference) -> str:
    if one.low is None or one.high is None:
        return ""
    text = f" ({_range(name, one)})"
    is_doubted = one.p_signs is not None and one.p_signs > _DOUBTFUL
    if is_doubted and len(one.pairs) >= _FEWEST_RANKS:
        text += ", which a few evenings alone decide"
    return text


def _range(name: str, one: Difference) -> str:
    """Return the interval, in the words that the difference itself is said in."""
    low, high = one.low or 0.0, one.high or 0.0
    if low < 0 < high:
        few, many = _WORDS[name]
        return f"95 % interval {_amount(name, -low)} {few} to {_amount(name, high)} {many}"
    near, far = sorted((abs(low), abs(high)))
    return f"95 % interval {amount(name, near)} to {amount(name, far)}"


def _not_shown(name: str, one: Difference) -> str:
    evenings, subject = len(one.pairs), _SUBJECTS[name]
    if not any(one.pairs):
        return f"In {subject} the two do not differ on any evening."
    text = f"{evenings} evenings show no difference in {subject} ({_range(name, one)})"
    if one.smallest is None:
        return f"{text}."
    text += f"; they would show one of {_amount(name, one.smallest)}"
    needed = evenings_needed(one.pairs, one.mean or 0.0)
    if needed is None or needed <= evenings:
        return f"{text}."
    count = f"more than {_MANY}" if needed > _MANY else f"about {_rounded(needed)}"
    seen = _amount(name, abs(one.mean or 0.0))
    return f"{text}, and one of {seen} would need {count} evenings."


def _pairing(saved: float) -> str:
    if saved < _LITTLE:
        return "That both faced the same seeds made the comparison hardly any sharper."
    if saved > _MOST_OF_IT:
        return "That both faced the same evenings took nearly all the chance out of it."
    times = 1 / (1 - saved)
    many = f"{times:.0f}" if times >= _TEN else f"{times:.1f}"
    return (
        f"That both faced the same evenings took away {100 * saved:.0f} % of the variance: "
        f"independent ones would have to be {many} times as many."
    )


def _amount(name: str, size: float) -> str:
    """Return a size with its unit, where the sentence needs one."""
    number = amount(name, size)
    return f"{number} min" if name == LATE else number


def _rounded(count: int) -> int:
    """Return a count as exact as it is known: two digits."""
    digits = max(0, len(str(count)) - 2)
    return int(round(count, -digits))
