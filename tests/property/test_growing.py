"""A growing mapping says what a dict would, and none that was made before changes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dispatch.growing import Growing

KEYS = st.sampled_from([f"key{number}" for number in range(40)])


@given(st.dictionaries(KEYS, st.integers(), max_size=5), st.lists(st.tuples(KEYS, st.integers())))
def test_it_says_what_a_dict_would_and_what_it_was_made_from_stays(
    first: dict[str, int], more: list[tuple[str, int]]
) -> None:
    expected, grown = dict(first), Growing(first)
    made = [(dict(expected), grown)]
    for key, value in more:
        expected[key] = value
        grown = grown.with_one(key, value)
        made.append((dict(expected), grown))
    for entries, each in made:
        assert list(each.items()) == list(entries.items())
        assert each == entries
        assert len(each) == len(entries)
        assert all(each[key] == each.get(key) == value for key, value in entries.items())
        assert [key in each for key in ("key0", "none")] == ["key0" in entries, False]
        assert each.get("none", 7) == 7


def test_growing_by_one_copies_ever_fewer_of_what_is_there() -> None:
    grown: Growing[int] = Growing()
    layers = []
    for number in range(1024):
        grown = grown.with_one(str(number), number)
        layers.append(len(grown._layers))
    assert max(layers) <= 10
