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
    events: Patterns
    description: Note = ""
    after: Seq | None = None


class EndpointChange(Body):
    """What is to be otherwise; what is not named stays."""

    url: Url | None = None
    events: Patterns | None = None
    description: Note | None = None

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


class DisableIn(Body):
    """Why it is not to be called."""

    reason: Reason


class ReplayIn(Body):
    """From where on: after a number of the log, or since a moment."""

    after: Seq | None = None
    since: Moment | None = None

    @model_validator(mode="after")
    def _says_one(self) -> ReplayIn:
        if (self.after is None) == (self.since is None):
            raise ValueError("give either after (a number of the log) or since (a moment)")
        return self
