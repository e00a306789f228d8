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
    reason: Reason | None = None


class WhyIn(Body):
    """Who decides, and why."""

    owner: Owner
    reason: Reason


class HoldIn(WhyIn):
    """Neither pick nor route an order until a time, or until it is released."""

    until: Moment | None = None
    recall: bool = False


class AssignIn(WhyIn):
    """Let one courier bring it, until a time; half an hour from now when left out."""

    courier_id: Id
    expires_at: Moment | None = None


class RouteOrderIn(WhyIn):
    """Let a courier do these stops first, in this order; half an hour when left out."""

    stop_ids: Annotated[list[Id], Field(min_length=1, max_length=_MAX_STOPS)]
    expires_at: Moment | None = None


class UndoIn(Body):
    """Who takes it back."""

    owner: Owner


class ControlIn(WhyIn):
    """A surge control: what, how much, where, until when."""

    kind: Annotated[ControlKind, Field(strict=False)]
    value: Annotated[int, Field(ge=0, le=10_000_000)]
    store_ids: Annotated[list[Id], Field(max_length=_MAX_STORES)] = Field(default_factory=list)
    expires_at: Moment

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
