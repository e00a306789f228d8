"""A mapping that grows by one entry after the other, and is never changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Self, TypeVar

_V = TypeVar("_V")


class Growing(Mapping[str, _V]):
    """Entries in the order in which they came.

    One more entry costs as much as the logarithm of how many there are, whether there are a
    hundred or all of a day: what was there is shared, in layers that double in size and are
    written together as they do.

    Parameters
    ----------
    entries
        Copied.
    """

    __slots__ = ("_layers",)

    def __init__(self, entries: Mapping[str, _V] | None = None) -> None:
        self._layers: tuple[dict[str, _V], ...] = (dict(entries),) if entries else ()

    @classmethod
    def of(cls, entries: Mapping[str, _V]) -> Self:
        """Return any entries as such."""
        return entries if isinstance(entries, cls) else cls(entries)

    def with_one(self, key: str, value: _V) -> Self:
        """Return them with one entry more; one of a key that is there is replaced, all copied."""
        if key in self:
            return type(self)({**self, key: value})
        layers, last = list(self._layers), {key: value}
        while layers and len(layers[-1]) <= len(last):
            last = {**layers.pop(), **last}
        grown = type(self)()
        grown._layers = (*layers, last)  # noqa: SLF001  our own
        return grown

    def __getitem__(self, key: str) -> _V:
        for layer in self._layers:
            if key in layer:
                return layer[key]
        raise KeyError(key)

    def __contains__(self, key: object) -> bool:
        return any(key in layer for layer in self._layers)

    def __iter__(self) -> Iterator[str]:
        for layer in self._layers:
            yield from layer

    def __len__(self) -> int:
        return sum([len(layer) for layer in self._layers])

    def __repr__(self) -> str:
        return f"Growing({dict(self)!r})"

    def get(self, key: str, default: Any = None) -> Any:
        """Return an entry, or the default where there is none."""
        for layer in self._layers:
            if key in layer:
                return layer[key]
        return default
