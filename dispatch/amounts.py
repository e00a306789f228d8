"""Amounts by SKU of a whole store, of which a few change with every order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Self

_MOST_LATELY: Final = 1024
"""So many late changes are copied with each further one; then all is written together once."""

_FEW: Final = 512
"""Fewer amounts than this are copied as a whole."""


class Amounts(Mapping[str, int]):
    """Amounts that share what did not change with those they were made from; never changed.

    A change costs as much as what changed lately (at most `_MOST_LATELY` amounts), not as much as
    there is: a store of 50,000 SKUs sells one at the price of a small one.

    Parameters
    ----------
    bulk
        What is shared; whoever gives it away changes it no more.
    lately
        What differs from it, or is new.
    """

    __slots__ = ("_bulk", "_lately")

    def __init__(
        self, bulk: Mapping[str, int] | None = None, lately: Mapping[str, int] | None = None
    ) -> None:
        self._bulk = bulk if bulk is not None else {}
        self._lately = lately if lately is not None else {}

    @classmethod
    def of(cls, amounts: Mapping[str, int]) -> Self:
        """Return any amounts as such."""
        return amounts if isinstance(amounts, cls) else cls(dict(amounts))

    def __getitem__(self, sku: str) -> int:
        try:
            return self._lately[sku]
        except KeyError:
            return self._bulk[sku]

    def __contains__(self, sku: object) -> bool:
        return sku in self._lately or sku in self._bulk

    def __iter__(self) -> Iterator[str]:
        yield from self._bulk
        yield from (sku for sku in self._lately if sku not in self._bulk)

    def __len__(self) -> int:
        return len(self._bulk) + sum(sku not in self._bulk for sku in self._lately)

    def __repr__(self) -> str:
        return f"Amounts({self.as_dict()!r})"

    # As `Mapping` has them, without a call for each SKU.

    def get(self, sku: str, default: Any = None) -> Any:
        """Return an amount, or the default where there is none."""
        found = self._lately.get(sku)
        return self._bulk.get(sku, default) if found is None else found

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Amounts):
            return self.as_dict() == other.as_dict()
        return self.as_dict() == other if isinstance(other, Mapping) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # as every mapping that is compared by content

    def as_dict(self) -> dict[str, int]:
        """Return a copy to read through or to change."""
        return {**self._bulk, **self._lately}

    def set_to(self, amounts: Mapping[str, int]) -> Self:
        """Return them with some amounts set; an amount of 0 stays listed."""
        size = len(self._lately) + len(amounts)
        if size > _MOST_LATELY or len(self._bulk) < _FEW:
            return type(self)({**self._bulk, **self._lately, **amounts})
        return type(self)(self._bulk, {**self._lately, **amounts})
