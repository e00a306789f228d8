"""What may be said of webhook endpoints."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from api.schemas import Body, Moment, Note, Reason
from api.webhooks.messages import check_pattern
from api.webhooks.targets import MOST_CHARACTERS

_DAY_S: Final = 86_400
_MOST_OVERLAP_S: Final = 7 * _DAY_S
_MOST_SEQ: Final = 2**53

Url = Annotated[str, StringConstraints(min_length=1, max_length=MOST_CHARACTERS)]
Patterns = Annotated[
    list[Annotated[str, AfterValidator(check_pattern)]],
    Field(min_length=1, max_length=50, examples=[["Order*", "ParcelPickedUp"]]),
]
Seq = Annotated[int, Field(ge=0, le=_MOST_SEQ)]


class EndpointIn(Body):
    """Somebody who wants to be called; `after` is a number of the log to begin behind."""

    url: Url
    """Where to post events: a public https address, or a host that the operator allows by name."""
    events: Patterns
    """Names of events to be told, with `*` for any letters; `["*"]` is everything."""
    description: Note = ""
    """What it is for, in your words."""
    after: Seq | None = None
    """Told is what came after event so-and-so of the log, 0 for all; from now on when left out."""


class EndpointChange(Body):
    """What is to be otherwise; what is not named stays."""

    url: Url | None = None
    """Where to post events from now on; left out, it stays."""
    events: Patterns | None = None
    """Names of events to be told, with `*` for any letters; left out, they stay."""
    description: Note | None = None
    """What it is for, in your words; left out, it stays."""

    @model_validator(mode="after")
    def _says_something(self) -> EndpointChange:
        if not self.model_fields_set or None in (
            getattr(self, name) for name in self.model_fields_set
        ):
            raise ValueError("say what is to change: url, events or description")
        return self


class RotateSecretIn(Body):
    """How long the secret that is replaced goes on signing beside the new one."""

    overlap_s: Annotated[int, Field(ge=0, le=_MOST_OVERLAP_S)] = _DAY_S
    """Seconds for which messages are signed with the old secret too; 0 for none."""


class DisableIn(Body):
    """Why it is not to be called."""

    reason: Reason
    """Why it is not to be called, in words."""


class ReplayIn(Body):
    """From where on: after a number of the log, or since a moment."""

    after: Seq | None = None
    """Send again what came after this number of the log; this or `since`."""
    since: Moment | None = None
    """Send again what happened since this moment; this or `after`."""

    @model_validator(mode="after")
    def _says_one(self) -> ReplayIn:
        if (self.after is None) == (self.since is None):
            raise ValueError("give either after (a number of the log) or since (a moment)")
        return self
