"""Who may do what, as a table: read off the rules that endpoints declare."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fastapi import APIRouter
from fastapi.routing import APIRoute

from api.rights import BOUND_TO, SCOPES_OF, Principal, Role, Rule, rule_of

_OWN = "own"


def endpoints(routers: Iterable[APIRouter]) -> Iterator[tuple[APIRoute, str]]:
    """Yield every endpoint with each of its methods, in the order of the API document."""
    for router in routers:
        for route in router.routes:
            if isinstance(route, APIRoute):
                for method in sorted(route.methods or ()):
                    yield route, method


def allows(route: APIRoute, role: Role) -> bool:
    """Tell whether a key of a role, good for all its scopes, may ask for what is its own."""
    own = BOUND_TO.get(role)
    who = Principal("default", role, SCOPES_OF[role], "", None if own is None else _OWN)
    path = dict.fromkeys(route.param_convertors, _OWN)
    return rule_of(route.endpoint).objection(who, path) is None


def table(routers: Iterable[APIRouter]) -> str:
    """Return the table in Markdown: a line for each endpoint, a column for each role."""
    lines = [
        f"| endpoint | needs | {' | '.join(Role)} |",
        f"|---|---|{'---|' * len(Role)}",
    ]
    for route, method in endpoints(routers):
        rule = rule_of(route.endpoint)
        marks = [_mark(rule, route, role) for role in Role]
        lines.append(f"| `{method} {route.path}` | {_need(rule)} | {' | '.join(marks)} |")
    return "\n".join(lines) + "\n"


def _need(rule: Rule) -> str:
    if rule.is_open:
        return "nothing"
    return ", ".join(f"`{scope}`" for scope in sorted(rule.scopes)) or "any key"


def _mark(rule: Rule, route: APIRoute, role: Role) -> str:
    if not allows(route, role):
        return "-"
    return "own" if role in BOUND_TO and rule.scopes else "yes"
