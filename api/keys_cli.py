"""`samehour keys`: keys of the API, made and taken back on the ledger, also while it serves."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from api.storage.access import AccessStore, KeyRow

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def add_parser(commands: Any) -> None:
    """Add `keys` to the command line."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "keys",
        help="make and take back keys of the API",
        description="Keys of the API, kept in the ledger; a running service heeds a change "
        "within a second.",
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)

    create = _action(actions, "create", "make a key; it is shown this once", _create)
    create.add_argument("--tenant", metavar="NAME", help="whose key it is (default)")
    create.add_argument(
        "--role", required=True, metavar="ROLE", help="ops, courier, store, planner or shop"
    )
    create.add_argument("--name", default="", metavar="TEXT", help="what it is for")
    create.add_argument(
        "--scope",
        dest="scopes",
        action="append",
        default=[],
        metavar="SCOPE",
        help="less than the whole role, as orders:read; may be given several times",
    )
    create.add_argument("--courier", metavar="ID", help="the one that a courier's key is for")
    create.add_argument("--store", metavar="ID", help="the one that a store's key is for")
    create.add_argument("--expires-in", metavar="TIME", help="as 90d or 12h; never unless told")

    shown = _action(actions, "list", "show every key, never a key itself", _list)
    shown.add_argument("--tenant", metavar="NAME", help="only this tenant's")
    shown.add_argument("--json", action="store_true", help="as JSON, a line for each")

    rotate = _action(actions, "rotate", "replace a key by a new one", _rotate)
    rotate.add_argument("key_id", metavar="ID", help="as `samehour keys list` shows it")
    rotate.add_argument(
        "--grace", default="1d", metavar="TIME", help="how long the old one goes on (1d)"
    )

    revoke = _action(actions, "revoke", "take a key back, with every session of it", _revoke)
    revoke.add_argument("key_id", metavar="ID", help="as `samehour keys list` shows it")


def _action(actions: Any, name: str, text: str, run: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(name, help=text, description=text + ".")
    parser.add_argument("--settings", metavar="FILE", help="settings in TOML, as of serve")
    parser.add_argument("--ledger", metavar="FILE|URL", help="as of serve (.samehour/ledger.db)")
    parser.set_defaults(handler=_run, action=run)
    return parser


def _run(arguments: argparse.Namespace) -> int:
    """Do one thing with keys; returns 0 done, 2 what it was told cannot be."""
    from api.settings import SettingsError, load  # noqa: PLC0415  with it comes pydantic
    from api.storage.access import AccessStore  # noqa: PLC0415  with it comes the database
    from api.storage.errors import LedgerError  # noqa: PLC0415
    from api.storage.ledger import open_database  # noqa: PLC0415
    from dispatch.errors import DispatchError  # noqa: PLC0415

    try:
        given = {"settings": arguments.settings, "ledger": arguments.ledger}
        settings = load(given, os.environ)
        engine = open_database(settings.ledger)
        try:
            store = AccessStore(engine)
            code: int = arguments.action(arguments, store, settings)
        finally:
            engine.dispose()
    except (SettingsError, LedgerError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except DispatchError as error:
        sys.stderr.write(f"{error}.\n")
        return 2
    return code


def _create(arguments: argparse.Namespace, store: AccessStore, settings: Any) -> int:
    from api import keys  # noqa: PLC0415
    from api.rights import BOUND_TO, Role, Scope  # noqa: PLC0415
    from dispatch.errors import InvalidValueError  # noqa: PLC0415

    role = _one_of("role", arguments.role, [str(each) for each in Role])
    tenant = _one_of("tenant", arguments.tenant or settings.tenants[0], settings.tenants)
    if arguments.tenant is None and len(settings.tenants) > 1:
        raise InvalidValueError("--tenant", f"is needed: there are {', '.join(settings.tenants)}")
    scopes = [_one_of("scope", each, [str(s) for s in Scope]) for each in arguments.scopes]
    given = {"courier_id": arguments.courier, "store_id": arguments.store}
    own = BOUND_TO.get(Role(role))
    for name, value in given.items():
        if value is not None and name != own:
            raise InvalidValueError(
                f"--{name.removesuffix('_id')}", f"is of no use to a key of the role {role}"
            )
    row, key = keys.create(
        store,
        tenant=tenant,
        role=Role(role),
        name=arguments.name,
        scopes=[Scope(each) for each in scopes],
        bound_to=None if own is None else given[own],
        lasts_s=None if arguments.expires_in is None else _seconds(arguments.expires_in),
    )
    _show_once(row, key)
    return 0


def _rotate(arguments: argparse.Namespace, store: AccessStore, _settings: Any) -> int:
    from api import keys  # noqa: PLC0415

    _show_once(*keys.rotate(store, arguments.key_id, None, _seconds(arguments.grace)))
    return 0


def _revoke(arguments: argparse.Namespace, store: AccessStore, _settings: Any) -> int:
    from api import keys  # noqa: PLC0415

    row = keys.revoke(store, arguments.key_id, None)
    sys.stdout.write(f"{row.key_id} is revoked\n")
    return 0


def _list(arguments: argparse.Namespace, store: AccessStore, _settings: Any) -> int:
    for row in store.keys(arguments.tenant):
        said = _row(row)
        if arguments.json:
            sys.stdout.write(json.dumps(said) + "\n")
        else:
            times = " ".join(
                f"{name}={said[name]}"
                for name in ("created_at", "expires_at", "revoked_at", "last_used_at")
                if said[name] is not None
            )
            whose = f"{row.tenant}:{row.role}" + (f":{row.bound_to}" if row.bound_to else "")
            sys.stdout.write(f"{row.key_id} {whose} {times} {row.name}".rstrip() + "\n")
    return 0


def _row(row: KeyRow) -> dict[str, Any]:
    from dispatch.codec import to_rfc3339  # noqa: PLC0415

    said = {
        name: getattr(row, name)
        for name in ("key_id", "tenant", "role", "scopes", "name", "bound_to")
    }
    for name in ("created_at", "expires_at", "revoked_at", "last_used_at"):
        at = getattr(row, name)
        said[name] = None if at is None else to_rfc3339(at)
    return said


def _show_once(row: KeyRow, key: str) -> None:
    sys.stdout.write(f"{key}\n")
    sys.stderr.write(
        f"{row.key_id} is a key of the role {row.role} of {row.tenant}"
        + (f", for {row.bound_to}" if row.bound_to else "")
        + "; it is not shown again\n"
    )


def _one_of(what: str, given: str, known: Any) -> str:
    from api.settings_sources import nearest  # noqa: PLC0415
    from dispatch.errors import InvalidValueError  # noqa: PLC0415

    if given not in known:
        raise InvalidValueError(f"--{what}", f"{given!r} is none; {nearest(given, known)}")
    return given


def _seconds(text: str) -> int:
    """Return the seconds in a time such as 90d; raises `InvalidValueError`."""
    from dispatch.errors import InvalidValueError  # noqa: PLC0415

    found = re.fullmatch(r"(\d{1,6})([smhd])", text)
    if found is None:
        raise InvalidValueError("time", f"{text!r} is none; say it as 30m, 12h or 90d")
    return int(found[1]) * _UNITS[found[2]]
