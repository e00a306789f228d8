"""What the service is told at start, by flags and environment; every problem said at once."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
)

from api.logs import LogFormat
from api.overflow import CompanySpec, read_company
from api.secrecy import weakness
from api.settings_sources import Sources, nearest, read_sources
from api.travel_servers import ServerSpec, read_spec
from api.webhooks.targets import AllowedHost, read_allowed
from dispatch.codec import from_rfc3339
from dispatch.errors import InvalidValueError
from dispatch.model import Policy
from dispatch.policies import policy_from_toml

ENV_PREFIX: Final = "SAMEHOUR_"
DEFAULT_TENANT: Final = "default"
"""Whose everything is that no settings file gives to somebody else."""

_LISTS: Final = ("allowed_hosts", "travel_servers", "courier_companies", "webhook_allow")
_NAME: Final = r"^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$"


class SettingsError(Exception):
    """Settings the service cannot start with; one line for each problem."""

    code = "settings"

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


def _moment(value: object) -> object:
    if isinstance(value, str):
        try:
            return from_rfc3339(value)
        except InvalidValueError as error:
            raise ValueError(f"{error.problem}, such as 2026-11-20T16:30:00Z") from error
    return value


def _name(value: object) -> object:
    if isinstance(value, str) and not re.match(_NAME, value):
        raise ValueError(
            f"{value!r} is no name: take small letters, digits and hyphens, 63 at most, "
            "with a letter or digit at both ends"
        )
    return value


Name = Annotated[str, BeforeValidator(_name)]
Servers = tuple[Annotated[ServerSpec, BeforeValidator(read_spec)], ...]
Companies = tuple[Annotated[CompanySpec, BeforeValidator(read_company)], ...]


class ZoneSettings(BaseModel):
    """What one zone of several is told; what it does not say is as for the whole service.

    Attributes
    ----------
    tenant
        Whose zone it is; nobody else's key reaches it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    tenant: Name = DEFAULT_TENANT
    city: Annotated[str | None, Field(min_length=1)] = None
    policy: Path | None = None
    speed_profile: Path | None = None
    seed: Annotated[int | None, Field(ge=0, le=2**31 - 1)] = None
    plan_limit_ms: Annotated[int | None, Field(ge=20, le=60_000)] = None
    travel_servers: Servers | None = None
    courier_companies: Companies | None = None


class Settings(BaseModel):
    """Everything the service may be told.

    Attributes
    ----------
    settings
        A TOML file with any of the others; flags and environment win over it.
    zones
        Zones by name, of the settings file's `[zones.NAME]`.  Without any there is one, called as
        its city, of the tenant `default`.
    city
        Name of a city in the box, or the path of one.
    ledger
        A file (SQLite), or a database URL.
    port
        0 for any free one.
    port_file
        Where to write the port that was taken, for whoever started the service.
    stop_with_stdin
        End when standard input does: whoever started the service is gone then.
    clock_start, speed
        Of a scaled clock; the machine's own when neither is given.
    policy
        A TOML file with fields of `dispatch.model.Policy`.
    speed_profile
        A TOML file of usual speeds by hour of the week, class of street and mode.
    plan_limit_ms
        Wall time after which the planner looks for no better plan.
    solve_tasks, solve_vehicles, solve_places
        How large a problem of `POST /v1/solve` may be.
    solve_limit_s
        Wall time after which the best tours found so far are the answer.
    solve_waiting
        Problems that may wait for one another; more are told to come again.
    head_limit_s, body_limit_s
        Within which the headers of a request must be there, and then its body; a body has a second
        more for every `api.security.LEAST_BYTES_PER_S` of it that came.
    requests_per_s
        Requests a second with one key; 0 for as many as it likes.
    connections
        Connections of clients at once; more are turned away.
    api_key
        A key of operations of the tenant `default`, beside those of `samehour keys`.
    allowed_hosts
        Names clients may call the service by, beside loopback's own.
    travel_servers
        Routing servers to ask before our own network, one for a mode.
    log_format, log_level
        How lines of the log look, and the least that is said; DEBUG says every request.
    courier_companies
        Outside companies that orders can be given to, each by a name of its own.
    webhook_allow
        Hosts that webhooks may call although their address is not public, and over http.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    settings: Path | None = None
    zones: Mapping[Name, ZoneSettings] = Field(default_factory=dict)
    city: Annotated[str, Field(min_length=1)] = "helsinki"
    ledger: Annotated[str, Field(min_length=1)] = ".samehour/ledger.db"
    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8080
    port_file: Path | None = None
    stop_with_stdin: bool = False
    clock_start: Annotated[int | None, BeforeValidator(_moment)] = None
    speed: Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)] = 1.0
    policy: Path | None = None
    speed_profile: Path | None = None
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    plan_limit_ms: Annotated[int, Field(ge=20, le=60_000)] = 1000
    solve_tasks: Annotated[int, Field(ge=1, le=20_000)] = 2000
    solve_vehicles: Annotated[int, Field(ge=1, le=2_000)] = 200
    solve_places: Annotated[int, Field(ge=1, le=5_000)] = 2000
    solve_limit_s: Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)] = 10.0
    solve_waiting: Annotated[int, Field(ge=1, le=1000)] = 8
    head_limit_s: Annotated[float, Field(gt=0, le=600, allow_inf_nan=False)] = 10.0
    body_limit_s: Annotated[float, Field(gt=0, le=600, allow_inf_nan=False)] = 20.0
    requests_per_s: Annotated[float, Field(ge=0, le=100_000, allow_inf_nan=False)] = 500.0
    connections: Annotated[int, Field(ge=1, le=100_000)] = 1000
    api_key: SecretStr | None = None
    allowed_hosts: tuple[str, ...] = ()
    log_format: LogFormat = LogFormat.TEXT
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    travel_servers: Servers = ()
    courier_companies: Companies = ()
    webhook_allow: tuple[Annotated[AllowedHost, BeforeValidator(read_allowed)], ...] = ()

    @property
    def on_loopback(self) -> bool:
        """Whether only this machine can reach the service."""
        return is_loopback(self.host)

    @property
    def tenants(self) -> tuple[str, ...]:
        """Whoever has a zone, by name."""
        return tuple(sorted({zone.tenant for zone in self.zones.values()} or {DEFAULT_TENANT}))

    def for_zones(self) -> dict[str | None, tuple[str, Settings]]:
        """Return tenant and settings of each zone by its name; None is called as its city."""
        if not self.zones:
            return {None: (DEFAULT_TENANT, self)}
        return {
            name: (
                zone.tenant,
                self.model_copy(
                    update={
                        field: value
                        for field in ZoneSettings.model_fields
                        if field != "tenant" and (value := getattr(zone, field)) is not None
                    }
                ),
            )
            for name, zone in self.zones.items()
        }


def load(given: Mapping[str, Any], environ: Mapping[str, str]) -> Settings:
    """Return settings from flags (`given`, None for not given) over environment over file.

    Raises
    ------
    SettingsError
        With a line for each problem of every source.
    """
    known = tuple(Settings.model_fields)
    sources = read_sources(known, _LISTS, given, environ, ENV_PREFIX)
    problems = list(sources.problems)
    settings: Settings | None = None
    try:
        settings = Settings.model_validate(sources.values)
    except ValidationError as error:
        problems += [_sentence(found, sources) for found in error.errors(include_url=False)]
    key = sources.values.get("api_key")
    fault = weakness(str(key)) if key else None
    if fault is not None:
        problems.append(
            f"{sources.of('api_key').text}: {fault}; make one with: "
            "python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"
        )
    host = str(sources.values.get("host", "127.0.0.1"))
    where = str(sources.values.get("ledger", Settings.model_fields["ledger"].default))
    if not key and not is_loopback(host) and "://" not in where and not Path(where).exists():
        problems.append(reachable(host))  # a ledger there is may have keys: it is asked later
    if settings is not None:
        problems += _zone_problems(settings, sources)
        for zone_id, (_, zone) in settings.for_zones().items():
            where = "" if zone_id is None else f"{sources.of('zones', zone_id).text}: "
            problems += [where + problem for problem in _server_problems(zone)]
            problems += [where + problem for problem in _company_problems(zone)]
    if problems or settings is None:
        raise SettingsError(list(dict.fromkeys(problems)))
    return settings


def _zone_problems(settings: Settings, sources: Sources) -> list[str]:
    problems = []
    if settings.api_key is not None and DEFAULT_TENANT not in settings.tenants:
        problems.append(
            f"{sources.of('api_key').text}: it is a key of the tenant {DEFAULT_TENANT}, who has no "
            "zone; leave it out and make keys with: samehour keys create --tenant "
            f"{settings.tenants[0]}"
        )
    return problems


def _server_problems(settings: Settings) -> list[str]:
    problems, modes = [], [spec.mode for spec in settings.travel_servers]
    problems += [
        f"--travel-server: mode {mode} has {modes.count(mode)} servers; give it one."
        for mode in dict.fromkeys(modes)
        if modes.count(mode) > 1
    ]
    problems += [
        f"--travel-server: {spec.mode}={spec.kind}+{spec.url} is this service itself; give "
        "another one's port, or leave it out."
        for spec in settings.travel_servers
        if spec.port == settings.port
        and (spec.host == settings.host or (is_loopback(spec.host) and is_loopback(settings.host)))
    ]
    return problems


def _company_problems(settings: Settings) -> list[str]:
    names = [spec.name for spec in settings.courier_companies]
    return [
        f"--courier-company: {name} is given {names.count(name)} times; give each its own name."
        for name in dict.fromkeys(names)
        if names.count(name) > 1
    ]


def read_policy(path: Path | None) -> Policy:
    """Return the policy in a TOML file, or the built-in one.

    Raises
    ------
    SettingsError
        The file cannot be read, or says what no policy has.
    """
    if path is None:
        return Policy()
    try:
        return policy_from_toml(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError([f"--policy: {path} cannot be read: {error.strerror}."]) from error
    except UnicodeDecodeError as error:
        raise SettingsError([f"--policy: {path} is not UTF-8 text."]) from error
    except InvalidValueError as error:
        raise SettingsError([f"--policy: {path}: {error}."]) from error


def reachable(host: str) -> str:
    """Return why a service without a key may not listen on an address."""
    return (
        f"--host: {host} can be reached from other machines, and nobody has a key; make one with "
        f"samehour keys create --role ops, or set {ENV_PREFIX}API_KEY, or stay on 127.0.0.1."
    )


def is_loopback(host: str) -> bool:
    """Tell whether an address or name is reachable from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _sentence(found: Any, sources: Sources) -> str:
    place = [str(part) for part in found["loc"] if part != "[key]"]
    message = found["msg"].removeprefix("Value error, ")
    if found["type"] == "extra_forbidden":
        return _unknown(place, sources)
    # Our own messages quote the value already; a key is never shown.
    quoted = found["type"] == "value_error" or place[0] == "api_key"
    said = "" if quoted else f" (it was {found['input']!r})"
    return f"{sources.of(*place).text}: {message}{said}."


def _unknown(place: list[str], sources: Sources) -> str:
    known = ZoneSettings.model_fields if place[0] == "zones" else Settings.model_fields
    return f"{sources.of(*place).text}: there is no such setting; {nearest(place[-1], known)}."
