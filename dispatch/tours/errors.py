"""Problems that cannot be posed."""

from __future__ import annotations


class TourError(ValueError):
    """A problem that contradicts itself; says where, as a JSON pointer into VROOM's form."""

    code = "solve_refused"

    def __init__(self, pointer: str, problem: str) -> None:
        super().__init__(f"{pointer}: {problem}")
        self.pointer = pointer
        self.problem = problem
