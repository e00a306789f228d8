"""What a courier's bag holds: weight, volume, parcels and chilled bags, all at once.  Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

from dispatch.model import Courier, Mode, Order, Reason, Refusal

_UNITS: Final = ("g", "ml", "parcels", "chilled parcels")


class Load(NamedTuple):
    """What some orders come to; also what a bag holds of each at most."""

    weight_g: int
    volume_ml: int
    parcels: int
    chilled: int

    def fits(self, room: Load) -> bool:
        """Return whether it goes into a bag."""
        return all(part <= most for part, most in zip(self, room, strict=True))

    def too_much_for(self, room: Load) -> str:
        """Return what a bag holds too little of for it, in words; empty if it fits."""
        return " and ".join(
            f"{most} {unit} at most, not {part}"
            for part, most, unit in zip(self, room, _UNITS, strict=True)
            if part > most
        )


class Room(NamedTuple):
    """What is expected of a courier's bag where nobody said it."""

    capacity_ml: int
    chilled_bags: int


ROOM: Final[Mapping[Mode, Room]] = MappingProxyType(
    {
        Mode.WALK: Room(40_000, 1),
        Mode.BIKE: Room(60_000, 2),
        Mode.CARGO_BIKE: Room(250_000, 6),
        Mode.SCOOTER: Room(90_000, 3),
        Mode.CAR: Room(350_000, 8),
    }
)
"""A large rucksack; a courier's cube on the back; the box of a cargo bike; a cube on the rack and
a case behind it; the boot of a small car.  A chilled bag takes about 30 l of it."""


def room_of(courier: Courier) -> Load:
    """Return what a courier's bag holds."""
    return Load(
        courier.capacity_g, courier.capacity_ml, courier.capacity_parcels, courier.chilled_bags
    )


def load_of(orders: Iterable[Order]) -> Load:
    """Return what some orders come to."""
    weight_g = volume_ml = parcels = chilled = 0
    for order in orders:
        weight_g += order.weight_g
        volume_ml += order.volume_ml
        parcels += 1
        chilled += order.chilled
    return Load(weight_g, volume_ml, parcels, chilled)


def why_too_much(order: Order, couriers: Sequence[Courier], who: str) -> Refusal | None:
    """Return why none of some couriers could carry an order even alone, None if one could.

    Parameters
    ----------
    who
        The couriers in the words of the refusal, after "no": `courier of this slot`.
    """
    wanted = load_of([order])
    if not couriers or any(wanted.fits(room_of(courier)) for courier in couriers):
        return None
    rooms = [room_of(courier) for courier in couriers]
    most_g = max(room.weight_g for room in rooms)
    if wanted.weight_g > most_g:
        return Refusal(
            Reason.TOO_HEAVY,
            f"it weighs {wanted.weight_g} g and no {who} carries more than {most_g} g",
        )
    strong = [room for room in rooms if wanted.weight_g <= room.weight_g]
    and_strong = f" who carries its {wanted.weight_g} g" if len(strong) < len(rooms) else ""
    rooms = strong
    most_ml = max(room.volume_ml for room in rooms)
    if wanted.volume_ml > most_ml:
        return Refusal(
            Reason.TOO_LARGE,
            f"it takes {wanted.volume_ml} ml and no {who}{and_strong} has room for more than "
            f"{most_ml} ml",
        )
    return Refusal(
        Reason.NO_CHILLED_BAG,
        f"it must be kept cold and no {who} with room for it has a chilled bag",
    )
