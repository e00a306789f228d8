"""What can go wrong in the decision and its state.

* DispatchError                 base; `code` is stable
  * InvalidValueError           a value no object may have; names the field
  * UnknownIdError              an id that names nothing
  * ConflictError               the request does not fit the present state
    * WrongStateError           a move the transition table does not allow; states the allowed ones
    * ExternalIdTakenError      the shop has used this id for another order
    * SequenceError             somebody else wrote to the log first
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
