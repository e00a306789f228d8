"""Who may do what: scopes, the roles made of them, and the rule that each endpoint declares.

A rule stands where its endpoint is defined, as `@needs(Scope.X)` or `@open_to_all`, and `Ruled`
holds every request to it before anything of its body is read.  An endpoint without a rule cannot
be defined.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Protocol, TypeVar

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from api.problems import Problem
from api.strict_json import StrictRequest

_F = TypeVar("_F", bound=Callable[..., Any])
_RULE: Final = "access_rule"


class Scope(StrEnum):
    """What a key may be good for."""

    BOARD_READ = "board:read"
    CARRIAGE_READ = "carriage:read"
    CARRIAGE_WRITE = "carriage:write"
    COURIERS_READ = "couriers:read"
    COURIERS_WRITE = "couriers:write"
    DESK_READ = "desk:read"
    DESK_WRITE = "desk:write"
    EVENTS_READ = "events:read"
    EXPORTS_READ = "exports:read"
    KEYS_READ = "keys:read"
    KEYS_WRITE = "keys:write"
    METRICS_READ = "metrics:read"
    ORDERS_READ = "orders:read"
    ORDERS_WRITE = "orders:write"
    PICKING_READ = "picking:read"
    PICKING_WRITE = "picking:write"
    PROOFS_READ = "proofs:read"
    PROOFS_WRITE = "proofs:write"
    QUOTES_WRITE = "quotes:write"
    SALES_READ = "sales:read"
    SMS_WRITE = "sms:write"
    SOLVE_WRITE = "solve:write"
    STOCK_READ = "stock:read"
    STOCK_WRITE = "stock:write"
    STOPS_READ = "stops:read"
    STOPS_WRITE = "stops:write"
    STORES_READ = "stores:read"
    STORES_WRITE = "stores:write"
    TRACKING_READ = "tracking:read"
    TRAFFIC_READ = "traffic:read"
    TRAFFIC_WRITE = "traffic:write"
    TRAVEL_READ = "travel:read"
    WEBHOOKS_READ = "webhooks:read"
    WEBHOOKS_WRITE = "webhooks:write"
    ZONES_READ = "zones:read"


class Role(StrEnum):
    """Whom a key is for."""

    OPS = "ops"
    COURIER = "courier"
    STORE = "store"
    PLANNER = "planner"
    SHOP = "shop"


SCOPES_OF: Final[Mapping[Role, frozenset[Scope]]] = {
    Role.OPS: frozenset(Scope),
    Role.COURIER: frozenset(
        {
            Scope.COURIERS_READ,
            Scope.ORDERS_READ,
            Scope.PROOFS_WRITE,
            Scope.STOPS_READ,
            Scope.STOPS_WRITE,
            Scope.TRAFFIC_READ,
            Scope.ZONES_READ,
        }
    ),
    Role.STORE: frozenset(
        {
            Scope.ORDERS_READ,
            Scope.PICKING_READ,
            Scope.PICKING_WRITE,
            Scope.PROOFS_WRITE,
            Scope.SALES_READ,
            Scope.STOCK_READ,
            Scope.STOCK_WRITE,
            Scope.STORES_READ,
            Scope.ZONES_READ,
        }
    ),
    Role.PLANNER: frozenset(
        {
            Scope.BOARD_READ,
            Scope.COURIERS_READ,
            Scope.DESK_READ,
            Scope.EVENTS_READ,
            Scope.EXPORTS_READ,
            Scope.METRICS_READ,
            Scope.ORDERS_READ,
            Scope.SALES_READ,
            Scope.SOLVE_WRITE,
            Scope.STOCK_READ,
            Scope.STOPS_READ,
            Scope.STORES_READ,
            Scope.TRAFFIC_READ,
            Scope.TRAVEL_READ,
            Scope.ZONES_READ,
        }
    ),
    Role.SHOP: frozenset(
        {
            Scope.EVENTS_READ,
            Scope.ORDERS_READ,
            Scope.ORDERS_WRITE,
            Scope.PROOFS_READ,
            Scope.QUOTES_WRITE,
            Scope.STOCK_READ,
            Scope.STOCK_WRITE,
            Scope.STORES_READ,
            Scope.TRACKING_READ,
            Scope.WEBHOOKS_READ,
            Scope.WEBHOOKS_WRITE,
            Scope.ZONES_READ,
        }
    ),
}
"""What a key of a role is good for at most."""

BOUND_TO: Final[Mapping[Role, str]] = {Role.COURIER: "courier_id", Role.STORE: "store_id"}
"""Roles whose keys are one courier's or one store's, by what addresses call their id."""

_OF_ORDER: Final = ("order_id", "return_id")


@dataclass(frozen=True, slots=True)
class Principal:
    """Whoever makes a request.

    Attributes
    ----------
    tenant
        Whose zones they reach; None reaches all, where no key was ever made.
    bound_to
        The one courier or store that a key of such a role is for.
    by_session
        They were known by a browser's session, not by a key.
    """

    tenant: str | None
    role: Role
    scopes: frozenset[Scope]
    key_id: str
    bound_to: str | None = None
    by_session: bool = False

    def may_be(self, role: Role, subject_id: str) -> bool:
        """Tell whether they may speak for a courier or store."""
        return self.role is not role or self.bound_to == subject_id

    def need(self, role: Role, subject_id: str) -> None:
        """Refuse a key of one courier or store what is another one's.

        Raises
        ------
        Problem
            `forbidden`, the same whether there is such a one or not.
        """
        if not self.may_be(role, subject_id):
            raise Problem(
                "forbidden", f"This key is of the {role} {self.bound_to}, not of {subject_id}."
            )


EVERYBODY: Final = Principal(None, Role.OPS, SCOPES_OF[Role.OPS], "")
"""Whoever asks a service that has no keys."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What an endpoint asks of whoever calls it.

    Attributes
    ----------
    scopes
        All of them; without any it is open to everybody.
    is_narrowed
        It sees by itself to it that a courier's or store's key gets only what is theirs; of other
        endpoints such keys reach those with their id in the address.
    is_page
        A browser without a session is led to the sign-in.
    is_signed_in
        Any key will do.
    """

    scopes: frozenset[Scope] = frozenset()
    is_narrowed: bool = False
    is_page: bool = False
    is_signed_in: bool = False

    @property
    def is_open(self) -> bool:
        """Whether nobody is asked who they are."""
        return not self.scopes and not self.is_signed_in

    def objection(self, principal: Principal, path: Mapping[str, Any]) -> Problem | None:
        """Return why somebody may not, by scopes and the ids in an address; None if they may."""
        lacking = sorted(self.scopes - principal.scopes)
        if lacking:
            return Problem(
                "forbidden",
                f"This needs {', '.join(lacking)}, which this key of the role {principal.role} "
                "does not have.",
                {"needed": lacking},
            )
        own = BOUND_TO.get(principal.role)
        if own is None or self.is_narrowed or self.is_signed_in or self.is_open:
            return None
        if own in path:
            try:
                principal.need(principal.role, str(path[own]))
            except Problem as problem:
                return problem
            return None
        if any(name in path for name in _OF_ORDER):
            return None  # `Doorman` looks whose order it is
        return Problem(
            "forbidden", f"This is about more than the {principal.role} that this key is for."
        )


def needs(*scopes: Scope, narrowed: bool = False, page: bool = False) -> Callable[[_F], _F]:
    """Declare that an endpoint needs scopes; see `Rule` for the rest."""
    return _declare(Rule(frozenset(scopes), narrowed, page))


def signed_in(*, page: bool = False) -> Callable[[_F], _F]:
    """Declare that an endpoint is for whoever has any key."""
    return _declare(Rule(is_page=page, is_signed_in=True))


def open_to_all(endpoint: _F) -> _F:
    """Declare that an endpoint is for everybody: it says nothing, or only to who has a link."""
    return _declare(Rule())(endpoint)


def _declare(rule: Rule) -> Callable[[_F], _F]:
    def declared(endpoint: _F) -> _F:
        setattr(endpoint, _RULE, rule)
        return endpoint

    return declared


def rule_of(endpoint: Callable[..., Any]) -> Rule:
    """Return the rule of an endpoint.

    Raises
    ------
    TypeError
        It has none.
    """
    rule = getattr(endpoint, _RULE, None)
    if not isinstance(rule, Rule):
        raise TypeError(
            f"{endpoint.__module__}.{endpoint.__qualname__} does not say who may call it; put "
            "@needs(Scope.X) or @open_to_all under its route."
        )
    return rule


class Guard(Protocol):
    """Finds out who makes a request and holds it to a rule."""

    async def admit(self, request: Request, rule: Rule) -> Response | None:
        """Let a request pass, with `request.state.principal` set; or answer it in its place.

        Raises
        ------
        Problem
            `unauthorized`, `forbidden`, or `unknown_id` for an order that is not theirs.
        """
        ...

    def see_out(self, request: Request, answer: Response) -> None:
        """Give the browser of a request what it should have from now on."""
        ...


class Ruled(APIRoute):
    """A route that holds every request to its endpoint's rule, before its body is read."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler; fails for an endpoint without a rule."""
        rule = rule_of(self.endpoint)
        handle = super().get_route_handler()

        async def ruled(request: Request) -> Response:
            guard: Guard = request.app.state.guard
            instead = await guard.admit(request, rule)
            if instead is not None:
                return instead
            strict = StrictRequest(request.scope, request.receive)
            if self.body_field is not None:  # the others read their bodies themselves
                await strict.refuse_other_types()
            answer = await handle(strict)
            guard.see_out(request, answer)
            return answer

        return ruled


def principal_of(request: Request) -> Principal:
    """Return whoever made a request, as `Ruled` found out."""
    found: Principal = request.state.principal
    return found
