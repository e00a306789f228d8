"""Orders over several stores: as few as possible, the nearest ones, every line accounted for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dispatch.goods import shares
from dispatch.model import OrderLine
from dispatch.splitting import Shelf, splits

MILK, BREAD, EGGS = OrderLine("milk", 2), OrderLine("bread", 1), OrderLine("eggs", 6)


def shelf(name: str, trip_s: int, **available: int) -> Shelf:
    return Shelf(name, trip_s, available)


def first(lines: list[OrderLine], *shelves: Shelf) -> dict[str, dict[str, int]] | None:
    """Return the best split: what each store gives."""
    best = next(splits(lines, shelves), None)
    if best is None:
        return None
    return {share.store_id: {line.sku: line.quantity for line in share.lines} for share in best}


def test_two_near_stores_go_before_a_near_and_a_far_one() -> None:
    near, other, far = (
        shelf("near", 100, milk=5),
        shelf("other", 200, bread=1),
        shelf("far", 300, bread=9),
    )
    assert first([MILK, BREAD], near, other, far) == {"near": {"milk": 2}, "other": {"bread": 1}}


def test_two_stores_go_before_three_nearer_ones() -> None:
    stores = (
        shelf("a", 10, milk=2),
        shelf("b", 10, bread=1),
        shelf("c", 10, eggs=6),
        shelf("d", 900, bread=1, eggs=6),
    )
    assert first([MILK, BREAD, EGGS], *stores) == {"a": {"milk": 2}, "d": {"bread": 1, "eggs": 6}}


def test_a_line_comes_whole_from_one_store_if_one_has_it_whole() -> None:
    one, two = shelf("one", 100, milk=1, bread=1), shelf("two", 200, milk=2)
    # Two pieces of milk are in the second store: not one from each.
    assert first([MILK, BREAD], one, two) == {"one": {"bread": 1}, "two": {"milk": 2}}


def test_a_line_that_nobody_has_whole_comes_in_pieces() -> None:
    one, two = shelf("one", 100, milk=1), shelf("two", 200, milk=1)
    assert first([MILK], one, two) == {"one": {"milk": 1}, "two": {"milk": 1}}


def test_nothing_is_split_over_stores_that_lack_a_thing() -> None:
    assert first([MILK, BREAD], shelf("one", 1, milk=9), shelf("two", 1, milk=9)) is None


def test_four_stores_are_too_many() -> None:
    lines = [OrderLine(sku, 1) for sku in "abcd"]
    assert first(lines, *(shelf(sku, 1, **{sku: 1}) for sku in "abcd")) is None


def test_lines_of_the_same_article_are_one() -> None:
    twice = [OrderLine("milk", 1), OrderLine("milk", 1)]
    assert first(twice, shelf("one", 1, milk=1), shelf("two", 2, milk=1)) is not None


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 4)), min_size=1, max_size=4),
    st.lists(st.dictionaries(st.sampled_from("abc"), st.integers(0, 5)), min_size=1, max_size=5),
)
def test_a_split_gives_all_that_was_ordered_and_no_more_than_there_is(
    ordered: list[tuple[str, int]], stocks: list[dict[str, int]]
) -> None:
    lines = [OrderLine(sku, quantity) for sku, quantity in ordered]
    shelves = [Shelf(f"s{n}", n, stock) for n, stock in enumerate(stocks)]
    wants: dict[str, int] = {}
    for sku, quantity in ordered:
        wants[sku] = wants.get(sku, 0) + quantity
    for shared in splits(lines, shelves):
        given_away: dict[str, int] = {}
        assert 2 <= len(shared) <= 3
        for share in shared:
            stock = stocks[int(share.store_id[1:])]
            assert share.lines
            for line in share.lines:
                assert line.quantity <= stock.get(line.sku, 0)
                given_away[line.sku] = given_away.get(line.sku, 0) + line.quantity
        assert given_away == wants


@given(st.integers(0, 10_000), st.lists(st.integers(0, 100), min_size=1, max_size=4))
def test_shares_add_up_to_the_whole(total: int, weights: list[int]) -> None:
    parts = shares(total, weights)
    assert sum(parts) == total
    assert min(parts) >= 0


def test_shares_are_as_the_weights() -> None:
    # 1000 parted as 1 to 2: 333 and 666, and the one left over goes to the first.
    assert shares(1000, [1, 2]) == [334, 666]
    assert shares(7, [0, 0]) == [4, 3]
