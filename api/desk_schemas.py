"""What a dispatcher's desk may send: who, why, until when."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import AfterValidator, Field

from api.schemas import Body, Id, Moment, Name, Reason
from dispatch.commands import SetControl
from dispatch.records import ControlKind

LOCKED_S: Final = 1800
"""How long something is fixed where nobody says."""

_MAX_STOPS: Final = 100
_MAX_STORES: Final = 500
_NOBODY: Final = frozenset({"engine", "slot"})


def _somebody(owner: str) -> str:
    if owner.lower() in _NOBODY:
        raise ValueError(f"{owner!r} is no person; say who decides, such as ops:maria")
    return owner


Owner = Annotated[Name, AfterValidator(_somebody)]
"""Who decides, in the words of whoever let them in: `ops:maria`."""


class WhoIn(Body):
    """Who decides; why is up to them."""

    owner: Owner
    """Who decides, such as `ops:maria`; never `engine` or `slot`."""
    reason: Reason | None = None
    """Why, in words; may be left out."""


class WhyIn(Body):
    """Who decides, and why."""

    owner: Owner
    """Who decides, such as `ops:maria`; never `engine` or `slot`."""
    reason: Reason
    """Why, in words; kept on record."""


class HoldIn(WhyIn):
    """Neither pick nor route an order until a time, or until it is released."""

    until: Moment | None = None
    """When the hold ends by itself; left out, when somebody releases it."""
    recall: bool = False
    """Take the order from a courier who is on the way to fetch it; refused else."""


class AssignIn(WhyIn):
    """Let one courier bring it, until a time; half an hour from now when left out."""

    courier_id: Id
    """The only courier who may bring it."""
    expires_at: Moment | None = None
    """When the lock ends, 8 hours ahead at most; half an hour from now when left out."""


class RouteOrderIn(WhyIn):
    """Let a courier do these stops first, in this order; half an hour when left out."""

    stop_ids: Annotated[list[Id], Field(min_length=1, max_length=_MAX_STOPS)]
    """Stops of the present route in the order wanted; the others come after them."""
    expires_at: Moment | None = None
    """When it ends, 8 hours ahead at most; half an hour from now when left out."""


class UndoIn(Body):
    """Who takes it back."""

    owner: Owner
    """Who takes it back, such as `ops:maria`; never `engine` or `slot`."""


class ControlIn(WhyIn):
    """A surge control: what, how much, where, until when."""

    kind: Annotated[ControlKind, Field(strict=False)]
    """What it changes for new deliveries: how far, by when, how many, or the smallest basket."""
    value: Annotated[int, Field(ge=0, le=10_000_000)]
    """Seconds for `radius` and `promise`, orders in ten minutes for `throttle`, cents for
    `minimum_basket`.
    """
    store_ids: Annotated[list[Id], Field(max_length=_MAX_STORES)] = Field(default_factory=list)
    """The stores it is for; all of the zone when empty."""
    expires_at: Moment
    """When it ends by itself, 24 hours ahead at most."""

    def command(self) -> SetControl:
        """Return the command."""
        return SetControl(
            kind=self.kind,
            value=self.value,
            store_ids=tuple(self.store_ids),
            owner=self.owner,
            reason=self.reason,
            expires_at=self.expires_at,
        )
