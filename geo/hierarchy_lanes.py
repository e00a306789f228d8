"""Steps on rows of labels, one lane per place, in the processor's vector registers.

Numba's own vectorizer checks at every arc whether two rows overlap and keeps no row in
registers, which makes a table several times slower.  So these few steps are said in LLVM's
vectors, which are cut to whatever the processor has.  None of them checks its bounds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias, cast

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

LANE_BYTES = 256  # of a row: four of the widest registers there are
TURNED = 8  # rows and lanes of a block that is transposed

Step: TypeAlias = tuple[Any, Callable[..., Any]]

_WORD = ir.IntType(64)
_array: Any = make_array
_blocks: Any = cgutils


def _step(typed: Callable[..., Step]) -> Callable[..., None]:
    """Let kernels call what a function generates for the types of its arguments."""
    return cast("Callable[..., None]", intrinsic(typed))


class _Code:
    """What one step is made of; places count labels, not rows."""

    def __init__(self, context: Any, builder: Any, signature: Any, arguments: Any) -> None:
        self.context = context
        self.builder = builder
        self.types = signature.args
        self.arguments = arguments
        self.kind = signature.args[0].dtype
        self.element = context.get_data_type(self.kind)
        self.row = ir.VectorType(self.element, LANE_BYTES * 8 // self.kind.bitwidth)

    def array(self, i: int) -> Any:
        """Give the address of an argument's first entry."""
        return _array(self.types[i])(self.context, self.builder, self.arguments[i]).data

    def number(self, i: int) -> Any:
        """Give an argument as a 64-bit integer."""
        return self.context.cast(self.builder, self.arguments[i], self.types[i], types.int64)

    def label(self, i: int) -> Any:
        """Give an argument in all lanes of a row."""
        return self.spread(
            self.context.cast(self.builder, self.arguments[i], self.types[i], self.kind)
        )

    def load(self, data: Any, place: Any, vector: Any = None) -> Any:
        """Load a row, or a part of one."""
        return self.builder.load(self._address(data, place, vector), align=self.kind.bitwidth // 8)

    def store(self, row: Any, data: Any, place: Any) -> None:
        """Store a row, or a part of one."""
        address = self._address(data, place, row.type)
        self.builder.store(row, address, align=self.kind.bitwidth // 8)

    def _address(self, data: Any, place: Any, vector: Any) -> Any:
        vector = vector or self.row
        return self.builder.bitcast(self.builder.gep(data, [place]), vector.as_pointer())

    def spread(self, label: Any) -> Any:
        """Put one label into all lanes of a row."""
        empty = ir.Constant(self.row, ir.Undefined)
        one = self.builder.insert_element(empty, label, ir.Constant(ir.IntType(32), 0))
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), self.row.count), None)
        return self.builder.shuffle_vector(one, empty, zeros)

    def smaller(self, a: Any, b: Any) -> Any:
        """Take the smaller of two rows, lane by lane."""
        return self.builder.select(self.builder.icmp_signed("<", a, b), a, b)

    @contextmanager
    def arcs(self, head: int, weight: int, first: int, last: int) -> Iterator[tuple[Any, Any]]:
        """Go through arcs; give the place of the upper end's row and the weight in all lanes."""
        heads, weights = self.array(head), self.array(weight)
        depth = self.types[head].dtype
        step = ir.Constant(_WORD, 1)
        bounds = (self.number(first), self.number(last), step)
        with _blocks.for_range_slice(self.builder, *bounds, intp=_WORD) as (j, _):
            loaded = self.builder.load(self.builder.gep(heads, [j]))
            above = self.context.cast(self.builder, loaded, depth, types.int64)
            lanes = ir.Constant(_WORD, self.row.count)
            cost = self.spread(self.builder.load(self.builder.gep(weights, [j])))
            yield self.builder.mul(above, lanes), cost


@_step
def pull(
    _: Any, rows: Any, place: Any, begin: Any, head: Any, weight: Any, first: Any, last: Any
) -> Step:
    """Make a row the smallest of the row at `begin` and of the rows above plus arcs' weights."""

    def generate(*parts: Any) -> Any:
        code = _Code(*parts)
        labels = code.array(0)
        best = _blocks.alloca_once_value(code.builder, code.load(labels, code.number(2)))
        with code.arcs(3, 4, 5, 6) as (above, cost):
            way = code.builder.add(code.load(labels, above), cost)
            code.builder.store(code.smaller(code.builder.load(best), way), best)
        code.store(code.builder.load(best), labels, code.number(1))
        return code.context.get_dummy_value()

    return types.void(rows, place, begin, head, weight, first, last), generate


@_step
def push(_: Any, rows: Any, place: Any, head: Any, weight: Any, first: Any, last: Any) -> Step:
    """Lower the rows above to a row plus arcs' weights."""

    def generate(*parts: Any) -> Any:
        code = _Code(*parts)
        labels = code.array(0)
        row = code.load(labels, code.number(1))
        with code.arcs(2, 3, 4, 5) as (above, cost):
            way = code.builder.add(row, cost)
            code.store(code.smaller(code.load(labels, above), way), labels, above)
        return code.context.get_dummy_value()

    return types.void(rows, place, head, weight, first, last), generate


@_step
def shift(_: Any, found: Any, to: Any, rows: Any, place: Any, weight: Any, far: Any) -> Step:
    """Store a row plus a weight, no label above `far`."""

    def generate(*parts: Any) -> Any:
        code = _Code(*parts)
        row = code.builder.add(code.load(code.array(2), code.number(3)), code.label(4))
        code.store(code.smaller(row, code.label(5)), code.array(0), code.number(1))
        return code.context.get_dummy_value()

    return types.void(found, to, rows, place, weight, far), generate


@_step
def copy(_: Any, rows: Any, to: Any, place: Any) -> Step:
    """Store a row elsewhere in the same array."""

    def generate(*parts: Any) -> Any:
        code = _Code(*parts)
        labels = code.array(0)
        code.store(code.load(labels, code.number(2)), labels, code.number(1))
        return code.context.get_dummy_value()

    return types.void(rows, to, place), generate


@_step
def lower(_: Any, rows: Any, to: Any, place: Any) -> Step:
    """Lower a row to another."""

    def generate(*parts: Any) -> Any:
        code = _Code(*parts)
        labels = code.array(0)
        place = code.number(1)
        row = code.smaller(code.load(labels, place), code.load(labels, code.number(2)))
        code.store(row, labels, place)
        return code.context.get_dummy_value()

    return types.void(rows, to, place), generate


@_step
def turn(_: Any, found: Any, places: Any, first: Any, lane: Any, tile: Any) -> Step:
    """Transpose TURNED lanes of the rows at places[first:first + TURNED] into a tile.

    Lane k of row i goes to tile[k * TURNED + i].  Interleaving the first half of the rows with
    the second, lane by lane, as often as TURNED has powers of two, transposes them.
    """

    def generate(*parts: Any) -> Any:
        code = _Code(*parts)
        builder = code.builder
        vector = ir.VectorType(code.element, TURNED)
        labels, at = code.array(0), code.array(1)
        rows = []
        for i in range(TURNED):
            j = builder.add(code.number(2), ir.Constant(_WORD, i))
            row = builder.load(builder.gep(at, [j]))
            row = code.context.cast(builder, row, code.types[1].dtype, types.int64)
            rows.append(code.load(labels, builder.add(row, code.number(3)), vector))
        index = ir.VectorType(ir.IntType(32), TURNED)
        masks = [
            ir.Constant(index, [half + i // 2 + (i % 2) * TURNED for i in range(TURNED)])
            for half in (0, TURNED // 2)
        ]
        for _ in range(TURNED.bit_length() - 1):
            pairs = zip(rows[: TURNED // 2], rows[TURNED // 2 :], strict=True)
            rows = [builder.shuffle_vector(a, b, mask) for a, b in pairs for mask in masks]
        for k, row in enumerate(rows):
            code.store(row, code.array(4), ir.Constant(_WORD, k * TURNED))
        return code.context.get_dummy_value()

    return types.void(found, places, first, lane, tile), generate
