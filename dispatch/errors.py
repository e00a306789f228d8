"""What can go wrong in the decision and its state.

* DispatchError                 base; `code` is stable
  * InvalidValueError           a value no object may have; names the field
  * UnknownIdError              an id that names nothing
  * ConflictError               the request does not fit the present state
    * WrongStateError           a move the transition table does not allow; states the allowed ones
    * ExternalIdTakenError      the shop has used this id for another order
    * WrongParcelError          a parcel at a place where another one belongs
    * WrongArticleError         an article that is not part of the order it was scanned into
    * SequenceError             somebody else wrote to the log first
    * OfferExpiredError         an offer that is not open any more
    * ProofRequiredError        a stop that cannot be done without proof; states which
    * StaleVersionError         something has changed since it was read; states the version it has
  * RefusedError                an order that cannot be promised; carries a `Reason`
"""

from __future__ import annotations


class DispatchError(Exception):
    """Base of every error of this room; the message names the offender and the remedy."""

    code = "dispatch_error"


class InvalidValueError(DispatchError, ValueError):
    """A value no object may have."""

    code = "invalid_value"

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field} {problem}")
        self.field = field
        self.problem = problem

    def __reduce__(self) -> tuple[type[InvalidValueError], tuple[str, str]]:
        return (InvalidValueError, (self.field, self.problem))


class UnknownIdError(DispatchError):
    """An id that names nothing."""

    code = "unknown_id"


class ConflictError(DispatchError):
    """The request does not fit the present state."""

    code = "conflict"


class WrongStateError(ConflictError):
    """A move that the transition table does not allow."""

    code = "wrong_state"

    def __init__(self, subject: str, state: str, wanted: str, allowed: tuple[str, ...]) -> None:
        moves = ", ".join(allowed) or "none"
        super().__init__(f"{subject} is {state} and cannot become {wanted}; allowed: {moves}")
        self.state = state
        self.allowed = allowed


class SequenceError(ConflictError):
    """The log has moved on: another writer was first."""

    code = "sequence"


class OfferExpiredError(ConflictError):
    """An offer that is not open any more: its time is over, or it was declined or taken back."""

    code = "offer_expired"


class ProofRequiredError(ConflictError):
    """A stop that cannot be done without proof; `required` names the kinds that lack."""

    code = "proof_required"

    def __init__(self, stop_id: str, required: tuple[str, ...]) -> None:
        super().__init__(f"stop {stop_id} cannot be done without proof: {', '.join(required)}")
        self.required = required


class StaleVersionError(ConflictError):
    """Something has changed since it was read; `present` is its version now."""

    code = "stale_version"

    def __init__(self, subject: str, asked: int, present: int) -> None:
        super().__init__(f"{subject} is at version {present} now, not {asked}; read it again")
        self.present = present


class RefusedError(DispatchError):
    """An order that cannot be promised."""

    code = "refused"

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class ExternalIdTakenError(ConflictError):
    """The shop has used this id for another order; `order_id` names it."""

    code = "external_id_taken"

    def __init__(self, external_id: str, order_id: str) -> None:
        super().__init__(f"external_id {external_id} belongs to order {order_id} already")
        self.order_id = order_id


class WrongParcelError(ConflictError):
    """A parcel was scanned where another one belongs; `expected` names that one."""

    code = "wrong_parcel"

    def __init__(self, problem: str, expected: str) -> None:
        super().__init__(problem)
        self.expected = expected


class WrongArticleError(ConflictError):
    """An article was scanned that the order does not have, or not so many of."""

    code = "wrong_article"
