"""What the log keeps of the flows around a delivery, shared by events and state.

Times are UTC epoch seconds, durations seconds, money minor units, weights grams.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from dispatch.errors import InvalidValueError
from dispatch.fields import check_least, check_types
from geo.types import EpochS

# --- goods -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Article:
    """What the zone's catalogue says of an SKU.

    Attributes
    ----------
    weight_g, volume_ml
        Of one piece, packed to be carried; 0 where nobody entered it.
    age_limit
        Years a person must have lived to be handed it; 0 for everybody.
    barcode
        GTIN on the package, as scanned; empty where unknown.
    shelf
        Where it usually stands, in an order that sorts as people walk: `A03-2`.
    """

    sku: str
    name: str = ""
    weight_g: int = 0
    price_cents: int = 0
    chilled: bool = False
    age_limit: int = 0
    barcode: str = ""
    shelf: str = ""
    volume_ml: int = 0

    def __post_init__(self) -> None:
        check_types(self)
        if not self.sku:
            raise InvalidValueError("sku", "is empty; name the article")
        check_least(self, 0, "weight_g", "volume_ml", "price_cents", "age_limit")


class SubstitutionAnswer(StrEnum):
    """What became of a substitution."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Substitution:
    """Another SKU offered for a missing one.

    `answer` is `silent` when nobody answered by `expires_at`; what then holds is in `accepted`.
    """

    sku: str
    quantity: int
    substitute_sku: str
    substitute_quantity: int
    expires_at: EpochS
    answer: SubstitutionAnswer = SubstitutionAnswer.PENDING
    accepted: bool = False


class ScanStep(StrEnum):
    """Where in the chain of custody a parcel was scanned, in this order."""

    PICK = "pick"
    PACK = "pack"
    HANDOVER = "handover"
    DOOR = "door"


@dataclass(frozen=True, slots=True)
class ParcelScan:
    """A parcel was in somebody's hands; `by` is a courier's, picker's or store's id."""

    parcel_id: str
    step: ScanStep
    by: str
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class ItemScan:
    """An article was picked, and what its package says of where it comes from."""

    sku: str
    barcode: str
    batch: str
    origin: str
    best_before: str
    occurred_at: EpochS


# --- the door ----------------------------------------------------------------------------------


class ProofKind(StrEnum):
    """How a courier shows that a stop was done."""

    PHOTO = "photo"
    SIGNATURE = "signature"
    PIN = "pin"
    QR = "qr"
    NOTE = "note"
    AGE = "age"


@dataclass(frozen=True, slots=True)
class Proof:
    """Proof of a stop.

    `detail` is the note, the signatory, the scanned code, the document's kind for an age check;
    never a PIN.  `blob_id` names a stored picture, empty where there is none.  `taken_at` is when
    it was taken, once it is on record.
    """

    kind: ProofKind
    detail: str = ""
    blob_id: str = ""
    taken_at: EpochS | None = None


class StopOutcome(StrEnum):
    """What a courier did at a stop."""

    ARRIVED = "arrived"
    COMPLETED = "completed"
    FAILED = "failed"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True)
class WorkReport:
    """What a courier did at a stop while nobody could hear it, by the device's clock."""

    stop_id: str
    outcome: StopOutcome
    occurred_at: EpochS
    reason: str = ""
    proofs: tuple[Proof, ...] = ()


@dataclass(frozen=True, slots=True)
class SettledReport:
    """A report taken in afterwards, its order, and the name of the rule that settled it."""

    order_id: str
    report: WorkReport
    rule: str


# --- what people decide ------------------------------------------------------------------------


SLOT: Final = "slot"
"""Owner of the hold of an order for a later slot."""


@dataclass(frozen=True, slots=True)
class Hold:
    """An order is neither picked nor routed for now; `until` None is until it is released.

    A slot's hold has the owner `slot`: it ends by itself when its work must begin.
    """

    owner: str
    reason: str
    until: EpochS | None = None


@dataclass(frozen=True, slots=True)
class StoreRule:
    """A store that an order must, or must not, come from: who said so, and why.

    Of what nobody decided by hand the owner is `engine`.
    """

    store_id: str
    owner: str
    reason: str


@dataclass(frozen=True, slots=True)
class OrderLock:
    """An order is for one courier only: a person said so."""

    courier_id: str
    owner: str
    reason: str
    expires_at: EpochS


@dataclass(frozen=True, slots=True)
class RouteLock:
    """A courier's stops are done in this order: a person said so."""

    stop_ids: tuple[str, ...]
    owner: str
    reason: str
    expires_at: EpochS


class ControlKind(StrEnum):
    """What a surge control changes for new orders."""

    RADIUS = "radius"
    """Longest one-way trip to a door, `value` in seconds."""
    PROMISE = "promise"
    """Promises end `value` seconds later."""
    THROTTLE = "throttle"
    """At most `value` orders are taken in any ten minutes."""
    MINIMUM_BASKET = "minimum_basket"
    """Baskets below `value` cents are refused."""


@dataclass(frozen=True, slots=True)
class Control:
    """A surge control in force until it expires; no `store_ids` means the whole zone."""

    control_id: str
    kind: ControlKind
    value: int
    store_ids: tuple[str, ...]
    owner: str
    reason: str
    starts_at: EpochS
    expires_at: EpochS


@dataclass(frozen=True, slots=True)
class Action:
    """What a person did at the desk, for the audit and for taking it back.

    Attributes
    ----------
    kind
        Name of the command, as in `dispatch.commands`.
    subject
        Id of the order, courier, store or control it was about.
    before
        What is needed to take it back, as plain JSON; empty where it cannot be.
    undone_by
        Who took it back, None while it stands.
    """

    action_id: str
    kind: str
    subject: str
    owner: str
    reason: str
    taken_at: EpochS
    before: str = ""
    undone_by: str | None = None


@dataclass(frozen=True, slots=True)
class Carriage:
    """An order carried by an outside courier company.

    `ended` is set when the company gave it up or we took it back; the order is then ours again.
    `reported_at` is the time of the company's last news, None before the first.
    """

    carrier: str
    reference: str
    cost_cents: int
    booked_at: EpochS
    status: str = "booked"
    eta: EpochS | None = None
    ended: bool = False
    reported_at: EpochS | None = None
