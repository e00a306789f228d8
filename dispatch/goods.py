"""What the lines of an order come to: weight, volume, cold, age, and shares of it.  Pure.

The shop may say it of a line; else the zone's catalogue does.  Grams and millilitres.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dispatch.commands.orders import LineFacts
from dispatch.errors import InvalidValueError
from dispatch.model import OrderLine
from dispatch.records import Article


@dataclass(frozen=True, slots=True)
class Goods:
    """Lines with what is known of their articles.

    Attributes
    ----------
    facts
        Of each line, in their order; empty for what the catalogue says.
    """

    lines: tuple[OrderLine, ...]
    facts: tuple[LineFacts, ...]
    catalogue: Mapping[str, Article]

    def weight_g(self, stated: int | None) -> int:
        """Return the weight of everything.

        Raises
        ------
        InvalidValueError
            Nobody stated it, and an article's weight is not known.
        """
        if stated is not None:
            return stated
        each = self.line_weights()
        for line, weight in zip(self.lines, each, strict=True):
            if weight is None:
                raise InvalidValueError(
                    "weight_g", f"is missing and the weight of {line.sku} is not known; state one"
                )
        return sum(weight or 0 for weight in each)

    def volume_ml(self, stated: int | None) -> int:
        """Return the volume of everything; what nobody knows the volume of takes no room."""
        if stated is not None:
            return stated
        return sum(volume or 0 for volume in self.line_volumes())

    @property
    def chilled(self) -> bool:
        """Whether anything must be kept cold."""
        return any(
            article.chilled if facts.chilled is None else facts.chilled
            for article, facts in self._known()
        )

    @property
    def age_limit(self) -> int:
        """Years whoever takes it must have lived; 0 for everybody."""
        return max(
            article.age_limit if facts.age_limit is None else facts.age_limit
            for article, facts in self._known()
        )

    def _known(self) -> list[tuple[Article, LineFacts]]:
        facts = self.facts or (LineFacts(),) * len(self.lines)
        return [
            (self.catalogue.get(line.sku) or Article(line.sku), said)
            for line, said in zip(self.lines, facts, strict=True)
        ]

    def line_weights(self) -> list[int | None]:
        """Return the weight of each line; None where neither shop nor catalogue knows one."""
        return self._of_lines(
            (facts.weight_g, article.weight_g) for article, facts in self._known()
        )

    def line_volumes(self) -> list[int | None]:
        """Return the volume of each line; None where neither shop nor catalogue knows one."""
        return self._of_lines(
            (facts.volume_ml, article.volume_ml) for article, facts in self._known()
        )

    def _of_lines(self, pieces: Iterable[tuple[int | None, int]]) -> list[int | None]:
        """Return a measure of each line from what the shop and the catalogue say of a piece."""
        found: list[int | None] = []
        for line, (said, catalogued) in zip(self.lines, pieces, strict=True):
            # The catalogue's 0 is what an article has whose measure nobody entered.
            piece = said if said is not None else catalogued or None
            found.append(None if piece is None else piece * line.quantity)
        return found

    def taken(self, lines: Sequence[OrderLine]) -> Goods:
        """Return some of these goods, each SKU with what is known of it here."""
        of_sku = dict(zip((line.sku for line in self.lines), self._facts(), strict=True))
        return Goods(tuple(lines), tuple(of_sku[line.sku] for line in lines), self.catalogue)

    def _facts(self) -> tuple[LineFacts, ...]:
        return self.facts or (LineFacts(),) * len(self.lines)

    def weights_of(self, parts: Sequence[Goods], total_g: int) -> list[int]:
        """Return the weight of each part; they add up to that of the whole.

        By what the articles weigh where that is known of all, else by how many there are.
        """
        return _shared(total_g, parts, [part.line_weights() for part in parts])

    def volumes_of(self, parts: Sequence[Goods], total_ml: int) -> list[int]:
        """Return the volume of each part; they add up to that of the whole, as weights do."""
        return _shared(total_ml, parts, [part.line_volumes() for part in parts])


def _shared(
    total: int, parts: Sequence[Goods], measures: Sequence[Sequence[int | None]]
) -> list[int]:
    """Return shares of a total by a measure of each line, by pieces where one is not known."""
    if any(measure is None for lines in measures for measure in lines):
        return shares(total, [pieces(part.lines) for part in parts])
    return shares(total, [sum(measure or 0 for measure in lines) for lines in measures])


def pieces(lines: Sequence[OrderLine]) -> int:
    """Return how many pieces some lines have."""
    return sum(line.quantity for line in lines)


def worth_cents(lines: Sequence[OrderLine], catalogue: Mapping[str, Article]) -> int | None:
    """Return what lines cost by the catalogue; None if the price of one is not known."""
    total = 0
    for line in lines:
        article = catalogue.get(line.sku)
        if article is None or not article.price_cents:
            return None
        total += article.price_cents * line.quantity
    return total


def shares(total: int, weights: Sequence[int]) -> list[int]:
    """Return a total in whole parts that are to one another as the weights are.

    What rounding leaves goes to the first ones; without any weight it is parted evenly.
    """
    even = sum(weights) == 0
    of = [1] * len(weights) if even else list(weights)
    found = [total * weight // sum(of) for weight in of]
    for index in range(total - sum(found)):
        found[index % len(found)] += 1
    return found
