"""What may come in over the wire, with bounds on everything; mapped to the model by hand."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, ConfigDict, Field, StringConstraints

from api.field_words import Described
from dispatch.bags import ROOM
from dispatch.codec import from_rfc3339
from dispatch.commands import StartShift
from dispatch.errors import InvalidValueError
from dispatch.model import Courier, OrderLine, Pause, Store
from geo.service_area import MOST_DISTANCE_M, MOST_DURATION_S, AreaKind, from_json
from geo.types import LonLat, Mode

_EARLIEST: Final = from_rfc3339("2000-01-01T00:00:00Z")
_LATEST: Final = from_rfc3339("2100-01-01T00:00:00Z")

_MAX_POSITIONS: Final = 2_000
_DAY_S: Final = 86_400
LONGEST_BREAK_S: Final = 4 * 3600


def _moment(value: object) -> int:
    if not isinstance(value, str):
        raise ValueError("must be a time such as 2026-11-20T16:30:00Z")  # noqa: TRY004  pydantic's
    try:
        moment = from_rfc3339(value)
    except InvalidValueError as error:
        raise ValueError(error.problem) from error
    if not _EARLIEST <= moment < _LATEST:
        raise ValueError(f"{value!r} is not in the years 2000 to 2099")
    return moment


_MOMENT_SCHEMA: Final[dict[str, Any]] = {
    "type": "string",
    "format": "date-time",
    "examples": ["2026-11-20T16:30:00Z"],
}

Moment = Annotated[int, BeforeValidator(_moment), Field(json_schema_extra=_MOMENT_SCHEMA)]
"""RFC 3339 on the wire, UTC epoch seconds inside."""

_LINE_OF_TEXT: Final = r"^[^\x00-\x1f\x7f]*$"
_TEXT: Final = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
Sku = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,64}$")]
Name = Annotated[
    str,
    StringConstraints(min_length=1, max_length=120, pattern=_LINE_OF_TEXT, strip_whitespace=True),
]
Address = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200, pattern=_LINE_OF_TEXT, strip_whitespace=True),
]
Note = Annotated[str, StringConstraints(max_length=500, pattern=_TEXT)]
Reason = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200, pattern=_LINE_OF_TEXT, strip_whitespace=True),
]


class Body(Described):
    """What every body holds to: no unknown fields, no guessing of types."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class PlaceIn(Body):
    """A place in WGS 84 degrees."""

    lat: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
    """Degrees north of the equator, WGS 84."""
    lng: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
    """Degrees east of Greenwich, WGS 84."""

    def lonlat(self) -> LonLat:
        """Return it in the model's order."""
        return LonLat(self.lng, self.lat)


class LineIn(Body):
    """A quantity of one SKU."""

    sku: Sku
    """The article, by the shop's own number."""
    quantity: Annotated[int, Field(ge=1, le=999)]
    """How many pieces of it."""


WeightG = Annotated[int, Field(ge=0, le=1_000_000)]
VolumeMl = Annotated[int, Field(ge=0, le=10_000_000)]


def order_lines(lines: list[LineIn]) -> tuple[OrderLine, ...]:
    """Return the model's lines."""
    return tuple(OrderLine(line.sku, line.quantity) for line in lines)


class ReasonIn(Body):
    """Why."""

    reason: Reason
    """Why, in words; kept with what was done."""


class PickingIn(Body):
    """What a picker did."""

    event: Literal["started", "ready"]
    """`started` when a picker begins, `ready` when the goods are packed."""
    occurred_at: Moment | None = None
    """When it happened, by the device's clock; now when left out."""


_GEOMETRY_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "description": "A GeoJSON Polygon or MultiPolygon (RFC 7946).",
    "required": ["type", "coordinates"],
    "properties": {
        "type": {
            "enum": ["Polygon", "MultiPolygon"],
            "description": "One polygon, or several at once.",
        },
        "coordinates": {
            "type": "array",
            "items": {"type": "array", "items": {}},
            "description": "Rings of [longitude, latitude], each closed, as RFC 7946 has them.",
        },
    },
}

_AREA_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["kind"],
    "additionalProperties": False,
    "properties": {
        "kind": {
            "enum": [kind.value for kind in AreaKind],
            "description": "How it is told which doors are inside; each has its own figures.",
        },
        "distance_m": {
            "type": "integer",
            "minimum": 1,
            "maximum": MOST_DISTANCE_M,
            "description": "Longest way from the store to a door in metres, for kinds by distance.",
        },
        "duration_s": {
            "type": "integer",
            "minimum": 1,
            "maximum": MOST_DURATION_S,
            "description": "Longest way in seconds, for `road_time` and `isochrone`.",
        },
        "mode": {
            "enum": [mode.value for mode in Mode],
            "description": "By which the way from store to door is measured.",
        },
        "shape": _GEOMETRY_SCHEMA,
        "exclusions": {
            "type": "array",
            "items": _GEOMETRY_SCHEMA,
            "description": "Shapes whose doors are not served, with any kind.",
        },
    },
    "examples": [{"kind": "road_time", "duration_s": 600, "mode": "bike"}],
}


AreaIn = Annotated[dict[str, Any], Field(json_schema_extra=_AREA_SCHEMA)]
"""A service area in its JSON form; read by `geo.service_area`, whose errors say more."""


class StoreIn(Body):
    """A store, or what is now known of it."""

    name: Name
    """What people call the store."""
    location: PlaceIn
    """Where the store is."""
    opening_hours: Annotated[str, StringConstraints(max_length=500, pattern=_LINE_OF_TEXT)] = ""
    """In OpenStreetMap's grammar and the zone's local time, such as `Mo-Sa 07:00-22:00`; empty for
    always open.
    """
    pickers: Annotated[int, Field(ge=0, le=100)] = 2
    """How many orders can be picked at the same time."""
    pick_base_s: Annotated[int, Field(ge=0, le=3600)] = 120
    """Seconds that picking takes for any order; each line adds `pick_line_s`."""
    pick_line_s: Annotated[int, Field(ge=0, le=600)] = 25
    """Seconds of picking that each line adds to `pick_base_s`."""
    pickup_service_s: Annotated[int, Field(ge=0, le=3600)] = 60
    """Seconds a courier spends at the counter for one parcel."""
    reach_s: Annotated[int, Field(ge=0, le=7200)] = 1200
    """Longest one-way trip to a door in seconds, by the fastest mode of the fleet."""
    access_s: Annotated[int, Field(ge=0, le=1800)] = 0
    """Seconds on foot between street and counter, taken once coming and once leaving."""
    safety_stock: Annotated[int, Field(ge=0, le=1000)] = 0
    """So many pieces of each SKU are never promised online, unless the SKU has its own figure."""
    service_area: AreaIn | None = None
    """Where it delivers to, besides `reach_s`; left out or null for every door it can reach."""

    def store(self, store_id: str) -> Store:
        """Return the model's store; raises `AreaError` when its service area is none."""
        return Store(
            store_id=store_id,
            name=self.name,
            location=self.location.lonlat(),
            opening_hours=self.opening_hours,
            pickers=self.pickers,
            pick_base_s=self.pick_base_s,
            pick_line_s=self.pick_line_s,
            pickup_service_s=self.pickup_service_s,
            reach_s=self.reach_s,
            access_s=self.access_s,
            safety_stock=self.safety_stock,
            service_area=None if self.service_area is None else from_json(self.service_area),
        )


class CourierIn(Body):
    """A courier, or what is now known of one."""

    name: Name
    """What people call the courier."""
    mode: Annotated[Mode, Field(strict=False)]
    """How the courier travels; it decides ways, speeds and the usual bag."""
    home: PlaceIn
    """Where the courier starts, and would like to be when the shift is over."""
    capacity_g: Annotated[int, Field(ge=1, le=2_000_000)] = 15_000
    """Most grams in the bag at a time."""
    capacity_ml: Annotated[int | None, Field(ge=1, le=10_000_000)] = None
    """Most millilitres in the bag at a time; the usual of the mode when left out."""
    capacity_parcels: Annotated[int, Field(ge=1, le=100)] = 4
    """Most parcels in the bag at a time."""
    chilled_bags: Annotated[int | None, Field(ge=0, le=100)] = None
    """Most chilled parcels in the bag at a time; the usual of the mode when left out."""
    phone: Annotated[str, StringConstraints(pattern=r"^(\+[1-9][0-9]{6,14})?$")] = ""
    """For text messages, as `+358401234567`; empty for none."""
    takes_offers: bool = False
    """True when pickups are offered and may be declined; else the courier is told."""

    def courier(self, courier_id: str) -> Courier:
        """Return the model's courier, with the bag that goes with the mode if none is named."""
        usual = ROOM[self.mode]
        return Courier(
            courier_id=courier_id,
            name=self.name,
            mode=self.mode,
            home=self.home.lonlat(),
            capacity_g=self.capacity_g,
            capacity_ml=usual.capacity_ml if self.capacity_ml is None else self.capacity_ml,
            capacity_parcels=self.capacity_parcels,
            chilled_bags=usual.chilled_bags if self.chilled_bags is None else self.chilled_bags,
            phone=self.phone,
            takes_offers=self.takes_offers,
        )


class ShiftBreakIn(Body):
    """A break of a shift: when it begins at the earliest and at the latest, and its length."""

    earliest: Moment
    """The break begins no sooner than this."""
    latest: Moment
    """It should have begun by then; waiting longer has a price in the plan."""
    duration_s: Annotated[int, Field(ge=60, le=LONGEST_BREAK_S)]
    """Length of the break in seconds."""


class ShiftIn(Body):
    """A shift that begins, and the break that is planned in it."""

    courier_id: Id
    """Whose shift it is."""
    starts_at: Moment | None = None
    """When the shift begins; now when left out."""
    ends_at: Moment
    """When the shift ends; the plan reckons with it from the beginning."""
    pause: Annotated[ShiftBreakIn | None, Field(alias="break")] = None
    """A break that the plan knows of from the beginning; none when left out."""

    def command(self, now: int) -> StartShift:
        """Return the command; a shift without a beginning begins now."""
        pause = self.pause
        if pause is not None and pause.latest < pause.earliest:
            raise InvalidValueError("break.latest", "is before break.earliest")
        return StartShift(
            self.courier_id,
            now if self.starts_at is None else self.starts_at,
            self.ends_at,
            None if pause is None else Pause(pause.earliest, pause.latest, pause.duration_s),
        )


class HappenedIn(Body):
    """When something happened, by the device's clock; now when left out."""

    occurred_at: Moment | None = None
    """When it happened, by the device's clock; now when left out."""


class OperatorIn(Body):
    """Who acts for a courier."""

    operator: Name
    """Name of the person who works as this courier, or of a simulation."""


class PositionIn(Body):
    """Where a courier is."""

    courier_id: Id
    """Whose position it is."""
    location: PlaceIn
    """Where the courier was then."""
    at: Moment | None = None
    """When, by the device's clock; now when left out."""


class PositionsIn(Body):
    """Where couriers are or were."""

    positions: Annotated[list[PositionIn], Field(min_length=1, max_length=_MAX_POSITIONS)]
    """Of one courier or several, in any order; late ones are kept in the track."""
