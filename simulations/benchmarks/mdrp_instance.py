"""Read a meal-delivery instance: four tab-separated files, refused with file and line.

The Grubhub instances of the Meal Delivery Routing Problem: Reyes, Erera, Savelsbergh,
Sahasrabudhe, O'Neil (2018), "The Meal Delivery Routing Problem", Optimization Online 6571;
files at https://github.com/grubhub/mdrplib.  Times are whole minutes, places metres on a plane.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulations.errors import SimulationError

ON_LOCATION: Final = "0"
"""Name of a courier's on-location in the exchange files."""

_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "orders.txt": ("order", "x", "y", "placement_time", "restaurant", "ready_time"),
    "restaurants.txt": ("restaurant", "x", "y"),
    "couriers.txt": ("courier", "x", "y", "on_time", "off_time"),
    "instance_parameters.txt": (
        "meters_per_minute",
        "pickup service minutes",
        "dropoff service minutes",
        "target click-to-door",
        "maximum click-to-door",
        "pay per order",
        "guaranteed pay per hour",
    ),
}
_MOST_NAMED: Final = 20


class InstanceError(SimulationError):
    """An instance, or a solution of one, cannot be read.

    Attributes
    ----------
    problems
        Each names its file, its line and what would be right.
    """

    code = "instance_unusable"

    def __init__(self, source: str, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        named = [f"\n  {problem}" for problem in self.problems[:_MOST_NAMED]]
        if len(self.problems) > _MOST_NAMED:
            named.append(f"\n  and {len(self.problems) - _MOST_NAMED} more")
        count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        super().__init__(f"{source} cannot be read, {count}:{''.join(named)}")


@dataclass(frozen=True, slots=True)
class MealOrder:
    """An order: known from `placed_min` on, and from then on also when it is ready."""

    order_id: str
    x_m: float
    y_m: float
    placed_min: int
    restaurant_id: str
    ready_min: int


@dataclass(frozen=True, slots=True)
class Restaurant:
    """Where orders are picked up."""

    restaurant_id: str
    x_m: float
    y_m: float


@dataclass(frozen=True, slots=True)
class MealCourier:
    """A courier: at the on-location at `on_min`, without a pickup after `off_min`."""

    courier_id: str
    x_m: float
    y_m: float
    on_min: int
    off_min: int


@dataclass(frozen=True, slots=True)
class Parameters:
    """What holds for the whole instance; both services are even, so that half is whole."""

    metres_per_min: float
    pickup_service_min: int
    dropoff_service_min: int
    target_min: int
    most_min: int
    pay_per_order: float
    pay_per_h: float

    @property
    def half_pickup_min(self) -> int:
        """From the street to the counter, and again back."""
        return self.pickup_service_min // 2

    @property
    def half_dropoff_min(self) -> int:
        """From arriving at a door to the hand-over, and again to leaving."""
        return self.dropoff_service_min // 2


@dataclass(frozen=True, eq=False)
class Instance:
    """One day.

    Attributes
    ----------
    travel_min
        int32 (places, places): `ceil(Euclidean distance / metres_per_min)`.  Places are the
        orders' doors, then the restaurants, then the couriers' on-locations, each in file order.
    doors, counters, homes
        Index of each place, by order, restaurant and courier.
    """

    name: str
    orders: Mapping[str, MealOrder]
    restaurants: Mapping[str, Restaurant]
    couriers: Mapping[str, MealCourier]
    parameters: Parameters
    xy_m: NDArray[np.float64]
    travel_min: NDArray[np.int32]
    doors: Mapping[str, int]
    counters: Mapping[str, int]
    homes: Mapping[str, int]

    def place(self, courier_id: str, name: str) -> int:
        """Return the index of a place as the exchange files name it for a courier.

        Raises
        ------
        KeyError
            There is no such place.
        """
        if name == ON_LOCATION:
            return self.homes[courier_id]
        return self.doors[name] if name in self.doors else self.counters[name]

    def bound_min(self, order: MealOrder) -> int:
        """Return the least click-to-door time that any solution can give an order.

        The goods are ready, or a courier needs half a pickup service to reach the counter; then
        the other half, the way, and half the service at the door.
        """
        half = self.parameters.half_pickup_min
        first = max(order.ready_min - order.placed_min, half)
        way = int(self.travel_min[self.counters[order.restaurant_id], self.doors[order.order_id]])
        return first + half + way + self.parameters.half_dropoff_min


def read_instance(folder: Path) -> Instance:
    """Return the instance in a folder.

    Raises
    ------
    InstanceError
        Naming every problem with its file and line.
    """
    problems: list[str] = []
    reader = {name: list(_rows(folder / name, problems)) for name in _COLUMNS}
    parameters = _parameters(reader["instance_parameters.txt"], problems)
    restaurants = {
        row.fields[0]: Restaurant(row.fields[0], row.number(1), row.number(2))
        for row in reader["restaurants.txt"]
    }
    couriers = {row.fields[0]: _courier(row) for row in reader["couriers.txt"]}
    orders = {row.fields[0]: _order(row, restaurants) for row in reader["orders.txt"]}
    _check_names(reader, problems)
    for name, found in (("orders.txt", orders), ("couriers.txt", couriers)):
        if not found and not problems:
            problems.append(f"{name} is empty; an instance needs one line or more")
    if problems or parameters is None:
        raise InstanceError(str(folder), problems)
    return assembled(folder.name, orders, restaurants, couriers, parameters)


def assembled(
    name: str,
    orders: Mapping[str, MealOrder],
    restaurants: Mapping[str, Restaurant],
    couriers: Mapping[str, MealCourier],
    parameters: Parameters,
) -> Instance:
    """Return an instance with its places numbered and its travel times worked out."""
    points = [(order.x_m, order.y_m) for order in orders.values()]
    points += [(restaurant.x_m, restaurant.y_m) for restaurant in restaurants.values()]
    points += [(courier.x_m, courier.y_m) for courier in couriers.values()]
    xy_m = np.array(points, dtype=np.float64)
    away_m = distances_m(xy_m)
    travel_min = np.ceil(away_m / parameters.metres_per_min).astype(np.int32)
    doors = {key: index for index, key in enumerate(orders)}
    counters = {key: index for index, key in enumerate(restaurants, start=len(doors))}
    first = len(doors) + len(counters)
    homes = {key: index for index, key in enumerate(couriers, start=first)}
    return Instance(
        name, orders, restaurants, couriers, parameters, xy_m, travel_min, doors, counters, homes
    )


def distances_m(xy_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return all distances between places on the plane, float64 (places, places)."""
    squares = np.zeros((len(xy_m), len(xy_m)))
    for axis in range(2):
        step = xy_m[:, np.newaxis, axis] - xy_m[np.newaxis, :, axis]
        squares += step * step
    return np.asarray(np.sqrt(squares))


# --- lines -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Row:
    """A line with its fields; what cannot be read is noted and stands for 0."""

    where: str
    columns: tuple[str, ...]
    fields: tuple[str, ...]
    problems: list[str]

    def number(self, column: int) -> float:
        try:
            value = float(self.fields[column])
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            self.say(f"{self.columns[column]} is {self.fields[column]!r}; write a number")
            return 0.0
        return value

    def whole(self, column: int, least: int | None = None) -> int:
        value = self.number(column)
        if value != int(value):
            self.say(f"{self.columns[column]} is {self.fields[column]}; write a whole number")
        elif least is not None and value < least:
            self.say(f"{self.columns[column]} is {self.fields[column]}; {least} is the least")
        return int(value)

    def say(self, problem: str) -> None:
        self.problems.append(f"{self.where}: {problem}")


def _rows(path: Path, problems: list[str]) -> Iterator[_Row]:
    columns = _COLUMNS[path.name]
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not UTF-8 text"
        problems.append(f"{path.name}: {reason}; an instance has {', '.join(_COLUMNS)}")
        return
    header = tuple(field.strip() for field in lines[0].split("\t")) if lines else ()
    if header != columns:
        problems.append(f"{path.name}:1: the header must be {' <tab> '.join(columns)}")
        return
    for number, line in enumerate(lines[1:], start=2):
        if not line.strip():
            continue
        fields = tuple(field.strip() for field in line.split("\t"))
        where = f"{path.name}:{number}"
        if len(fields) != len(columns):
            problems.append(f"{where}: has {len(fields)} fields; write {len(columns)} with tabs")
            continue
        yield _Row(where, columns, fields, problems)


def _check_names(reader: Mapping[str, list[_Row]], problems: list[str]) -> None:
    """Hold that no two places of a courier's day have one name; files name places by it."""
    seen: dict[str, str] = {}
    for name in ("orders.txt", "restaurants.txt", "couriers.txt"):
        for row in reader[name]:
            key = row.fields[0]
            if key in {"", ON_LOCATION} or any(letter.isspace() for letter in key):
                row.say(f"{row.columns[0]} is {key!r}; a name has no spaces and is not 0")
            elif key in seen:
                problems.append(f"{row.where}: {key} is a name already used in {seen[key]}")
            else:
                seen[key] = row.where


def _order(row: _Row, restaurants: Mapping[str, Restaurant]) -> MealOrder:
    order = MealOrder(
        row.fields[0], row.number(1), row.number(2), row.whole(3), row.fields[4], row.whole(5)
    )
    if order.restaurant_id not in restaurants:
        row.say(f"restaurant {order.restaurant_id} is not in restaurants.txt; add it there")
    if order.ready_min < order.placed_min:
        row.say(f"ready_time {order.ready_min} is before placement_time {order.placed_min}")
    return order


def _courier(row: _Row) -> MealCourier:
    courier = MealCourier(row.fields[0], row.number(1), row.number(2), row.whole(3), row.whole(4))
    if courier.off_min <= courier.on_min:
        row.say(f"off_time {courier.off_min} is not after on_time {courier.on_min}")
    return courier


def _parameters(rows: list[_Row], problems: list[str]) -> Parameters | None:
    if len(rows) != 1:
        if not problems:
            problems.append(f"instance_parameters.txt has {len(rows)} lines of figures; write one")
        return None
    row = rows[0]
    speed = row.number(0)
    if speed <= 0:
        row.say(f"meters_per_minute is {row.fields[0]}; it must be more than 0")
    services = [row.whole(column, least=0) for column in (1, 2)]
    for column, service in enumerate(services, start=1):
        if service % 2:
            row.say(f"{row.columns[column]} is {service}; an even number can be halved")
    return Parameters(
        metres_per_min=speed,
        pickup_service_min=services[0],
        dropoff_service_min=services[1],
        target_min=row.whole(3, least=0),
        most_min=row.whole(4, least=0),
        pay_per_order=row.number(5),
        pay_per_h=row.number(6),
    )
