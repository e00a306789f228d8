"""What a scenario says, as typed values; `simulations.scenarios.scenario` reads and checks them.

Randomness about a customer, a pick or a courier hangs on the seed and on whom it concerns alone.
A `spread` is the standard deviation of the logarithm of a factor with median 1.  A span
`(low, high)` is drawn from evenly, both ends included.  Times of day are seconds after local
midnight; moments are local, without an offset.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal
from zoneinfo import ZoneInfo

from geo.types import LonLat, Mode
from simulations.replays.learned import Learned

WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DAY_S: Final = 86_400
ALL_DAY: Final = (1.0,) * 24
"""A factor for each hour of the day that changes nothing."""

Distribution = Literal["lognormal", "exponential", "fixed"]


@dataclass(frozen=True, slots=True)
class Article:
    """One SKU of the catalogue.

    Attributes
    ----------
    popularity
        Its weight in the draw of a basket.
    group
        Articles of a group stand in for one another; empty for none.
    volume_ml, chilled
        Room one takes in a bag, 0 where it does not matter; whether it needs a chilled bag.
    """

    sku: str
    name: str
    weight_g: int
    price_cents: int
    popularity: int
    group: str = ""
    volume_ml: int = 0
    chilled: bool = False


@dataclass(frozen=True, slots=True)
class Tier:
    """A promise that customers ask for: `window_id` of the wire (`15m`, `30m`, `60m`), or None.

    None takes whatever time the engine promises.
    """

    window_id: str | None
    share: float


@dataclass(frozen=True, slots=True)
class DemandSettings:
    """Who orders how, and when.

    Attributes
    ----------
    per_hour
        Orders clicked per hour, from 00-01 to 23-24 local time.
    weekday_factor
        Monday first.
    payday_days, payday_factor
        Days of the month on which people buy so many times as much.
    tiers
        Shares add up to 1.
    step_down_share
        Of those whose tier cannot be had, how many take the next slower one; the others leave.
    collection_share, curbside_share
        Of all orders; the rest is delivered.
    quote_share
        Customers who ask for a quote first and order by it.
    quote_leave_share
        Of those, how many only wanted to know.
    """

    per_hour: tuple[float, ...]
    weekday_factor: tuple[float, ...]
    payday_days: tuple[int, ...] = ()
    payday_factor: float = 1.0
    tiers: tuple[Tier, ...] = (Tier(None, 1.0),)
    step_down_share: float = 1.0
    collection_share: float = 0.0
    curbside_share: float = 0.0
    quote_share: float = 0.0
    quote_leave_share: float = 0.0


@dataclass(frozen=True, slots=True)
class BasketSettings:
    """How many different articles, and the chance of one more of the same."""

    lines_mean: float
    lines_max: int
    more_share: float


@dataclass(frozen=True, slots=True)
class Surge:
    """Something that changes the evening: rain, a match, payday.

    Attributes
    ----------
    demand
        So many times the usual orders, of those who live inside `around` and `radius_m` (None:
        everybody).
    popularity
        Articles, by SKU or group, bought so many times as much.
    pace
        So many times the usual way times, by mode.
    foreseen
        How much of `pace` the engine's travel times know of: 0 nothing, 1 all.
    """

    name: str
    starts_at: dt.datetime
    ends_at: dt.datetime
    demand: float = 1.0
    around: LonLat | None = None
    radius_m: int = 0
    popularity: Mapping[str, float] = field(default_factory=dict)
    pace: Mapping[Mode, float] = field(default_factory=dict)
    foreseen: float = 0.0


@dataclass(frozen=True, slots=True)
class HandoverSettings:
    """Expected times at the counter and at the door, and their spread."""

    pickup_s: int
    door_s: int
    return_s: int
    spread: float


@dataclass(frozen=True, slots=True)
class CustomerSettings:
    """What customers do that nobody can foresee.

    Attributes
    ----------
    accept_substitute_share, silent_share
        Of those asked: who takes the substitute, who never answers; the rest refuses.
    answer_s
        How long an answer takes.
    collect_after_s
        When customers come for a collection, after it is ready.
    no_show_share
        Of them, who never come.
    given_up_after_s
        When a store puts back on the shelf what nobody came for, after it is ready.
    collect_s, curbside_s
        Mean time of handing over at the desk and at the kerb.
    """

    cancel_share: float
    cancel_within_s: tuple[int, int]
    nobody_home_share: float
    wait_at_door_s: int
    accept_substitute_share: float = 0.7
    silent_share: float = 0.1
    answer_s: tuple[int, int] = (20, 150)
    collect_after_s: tuple[int, int] = (300, 2400)
    no_show_share: float = 0.0
    given_up_after_s: int = 3600
    collect_s: int = 60
    curbside_s: int = 180


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """What a kind of shop brings to the work.

    Attributes
    ----------
    pickers
        By hour of the day, 24 of them.
    access_s
        From the street to the counter.
    """

    pickers: tuple[int, ...]
    pick_base_s: int
    pick_line_s: int
    reach_s: int
    assortment: float
    stock_mean: float
    sold_out_share: float
    access_s: int = 0


@dataclass(frozen=True, slots=True)
class PickingSettings:
    """How true picks differ from expected ones.

    Attributes
    ----------
    distribution
        Of the factor around the expected time; `exponential` and `fixed` have it as their mean
        and do not look at `spread`.
    short_share
        Lines of which less is on the shelf than the stock says.
    substitute_share
        Of those, how many another article of the group is offered for.
    restock_at
        When the delivery of the day comes.
    """

    spread: float
    delay_share: float
    delay_s: tuple[int, int]
    restock_at: tuple[int, ...]
    distribution: Distribution = "lognormal"
    short_share: float = 0.0
    substitute_share: float = 0.8


@dataclass(frozen=True, slots=True)
class TravelSettings:
    """How true trips differ from the network's, and what couriers will not do.

    Attributes
    ----------
    spread, trip_spread
        Between one courier and another, and between one trip and the next.
    per_hour
        So many times the network's way times, by hour of the day, for modes in traffic (car);
        `foreseen` of it the engine's travel times know: 0 nothing, 1 all.
    decline_share, decline_after_s
        Pickups a courier will not do, and how long they think.
    """

    spread: float
    trip_spread: float
    decline_share: float
    decline_after_s: int
    per_hour: tuple[float, ...] = ALL_DAY
    foreseen: float = 1.0


@dataclass(frozen=True, slots=True)
class MishapSettings:
    """What goes wrong with couriers.

    Attributes
    ----------
    absent_share
        Who does not come to work at all.
    late_share, late_s
        Who begins the shift late, and by how much.
    breakdowns_per_hour, repair_s
        On the way, per courier and hour on shift; and how long until they work again.
    lost_share, lost_s
        Trips on which somebody goes wrong, and what the detour takes.
    signal_losses_per_hour, signal_loss_s
        When a device can neither tell nor be told anything: what is done meanwhile is said later.
    """

    absent_share: float = 0.0
    late_share: float = 0.0
    late_s: tuple[int, int] = (300, 1800)
    breakdowns_per_hour: float = 0.0
    repair_s: tuple[int, int] = (900, 3600)
    lost_share: float = 0.0
    lost_s: tuple[int, int] = (120, 480)
    signal_losses_per_hour: float = 0.0
    signal_loss_s: tuple[int, int] = (60, 420)


@dataclass(frozen=True, slots=True)
class CourierSettings:
    """A courier of the scenario.

    Attributes
    ----------
    shift
        Daily, in seconds after local midnight; the end is after the start, and past 86,400 when
        it is on the morrow.
    takes_offers, accept_share, answer_s
        Whether work is offered to them, how much of it they take, and how long they think; those
        who neither take nor refuse it let it lapse (`ignore_share`).
    capacity_ml, chilled_bags
        Of the bag.
    break_after_s, break_s
        When in the shift their break is planned, and how long; None for no break.
    """

    courier_id: str
    name: str
    mode: Mode
    shift: tuple[int, int]
    capacity_g: int
    capacity_parcels: int
    takes_offers: bool = False
    accept_share: float = 1.0
    ignore_share: float = 0.0
    answer_s: tuple[int, int] = (4, 25)
    break_after_s: int | None = None
    break_s: int = 900
    capacity_ml: int = 100_000
    chilled_bags: int = 4


@dataclass(frozen=True, slots=True)
class ClosureSettings:
    """Streets that are closed in truth for a while.

    Attributes
    ----------
    told_after_s
        When operations hear of it and tell the engine; until then couriers meet it on the way.
    """

    name: str
    starts_at: dt.datetime
    ends_at: dt.datetime
    around: LonLat
    radius_m: int
    told_after_s: int = 0


@dataclass(frozen=True, slots=True)
class StoreClosure:
    """A store that cannot work for a while: a fire alarm, a power cut.

    Attributes
    ----------
    store
        Name or id of a store of the city.
    told_after_s
        When operations pause it; until then its pickers simply do nothing.
    loses_stock
        Its goods are lost: what stood on its shelves is gone when it opens again.
    """

    store: str
    starts_at: dt.datetime
    ends_at: dt.datetime
    told_after_s: int = 0
    loses_stock: bool = False


@dataclass(frozen=True, slots=True)
class PlanningSettings:
    """How long a plan takes in the simulation, as it does live: nobody waits for it.

    Attributes
    ----------
    base_s, per_hundred_orders_s
        A plan made from a snapshot with 100 open orders is there after their sum, rounded up.
    pause_s
        Least time between two plans.
    """

    base_s: float = 1.0
    per_hundred_orders_s: float = 0.0
    pause_s: int = 5


@dataclass(frozen=True, slots=True)
class MeasureSettings:
    """What of a run is measured.

    Attributes
    ----------
    warm_up_s
        From its beginning the evening runs for so long to fill the streets; what is clicked then
        does not count.
    lasts_s
        After that, orders clicked in so long count.
    cool_down_s
        Customers go on clicking for at most so long after it, while counted orders are open.
    """

    warm_up_s: int = 0
    lasts_s: int = 3 * 3600
    cool_down_s: int = 2 * 3600


@dataclass(frozen=True, slots=True)
class Scenario:
    """A whole scenario, checked."""

    name: str
    title: str
    city: str
    starts_at: dt.datetime
    seed: int
    catalogue: tuple[Article, ...]
    demand: DemandSettings
    baskets: BasketSettings
    handover: HandoverSettings
    customers: CustomerSettings
    stores: Mapping[str, StoreSettings]
    picking: PickingSettings
    travel: TravelSettings
    couriers: tuple[CourierSettings, ...]
    mishaps: MishapSettings = MishapSettings()
    surges: tuple[Surge, ...] = ()
    closures: tuple[ClosureSettings, ...] = ()
    store_closures: tuple[StoreClosure, ...] = ()
    planning: PlanningSettings = PlanningSettings()
    measure: MeasureSettings = MeasureSettings()
    policy: str | None = None
    """A policy in the box or a `.toml` file; None for the engine's own."""
    family: str = ""
    """Scenarios of one family and seed meet the same customers, who buy the same, and the same
    couriers and pickers: the scenario that all of them are based on; empty for its own name."""
    learned: Learned | None = None
    """What the engine was taught by a log (`samehour replay --learn`), beside what it is told."""

    @property
    def root(self) -> str:
        """The name that all randomness hangs on."""
        return self.family or self.name

    def start(self, time_zone: str) -> int:
        """Return the scenario's beginning in UTC epoch seconds."""
        return int(self.starts_at.replace(tzinfo=ZoneInfo(time_zone)).timestamp())
