"""What the service is told at start, by flags and environment; every problem said at once."""

from __future__ import annotations

import ipaddress
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
from api.travel_servers import ServerSpec, read_spec
from dispatch.codec import from_rfc3339
from dispatch.errors import InvalidValueError
from dispatch.model import Policy
from dispatch.policies import policy_from_toml

ENV_PREFIX: Final = "SAMEHOUR_"
_MIN_KEY_LENGTH: Final = 16
_LISTS: Final = ("allowed_hosts", "travel_servers", "courier_companies")
_FLAGS: Final = {"travel_servers": "travel-server", "courier_companies": "courier-company"}
"""Flags that are not called as their setting is, because each gives one of several."""


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


class Settings(BaseModel):
    """Everything the service may be told.

    Attributes
    ----------
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
    api_key
        Asked of every client as `Authorization: Bearer`; needed off loopback.
    allowed_hosts
        Names clients may call the service by, beside loopback's own.
    travel_servers
        Routing servers to ask before our own network, one for a mode.
    log_format, log_level
        How lines of the log look, and the least that is said; DEBUG says every request.
    courier_companies
        Outside companies that orders can be given to, each by a name of its own.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

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
    api_key: SecretStr | None = None
    allowed_hosts: tuple[str, ...] = ()
    travel_servers: tuple[Annotated[ServerSpec, BeforeValidator(read_spec)], ...] = ()
    log_format: LogFormat = LogFormat.TEXT
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    courier_companies: tuple[Annotated[CompanySpec, BeforeValidator(read_company)], ...] = ()

    @property
    def on_loopback(self) -> bool:
        """Whether only this machine can reach the service."""
        return is_loopback(self.host)


def load(given: Mapping[str, Any], environ: Mapping[str, str]) -> Settings:
    """Return settings from flags (`given`, None for not given) over the environment.

    Raises
    ------
    SettingsError
        With a line for each problem.
    """
    raw: dict[str, Any] = {}
    for name in Settings.model_fields:
        variable = environ.get(ENV_PREFIX + name.upper())
        if variable:
            raw[name] = variable.split(",") if name in _LISTS else variable
        if given.get(name) is not None:
            raw[name] = given[name]
    problems: list[str] = []
    settings: Settings | None = None
    try:
        settings = Settings.model_validate(raw)
    except ValidationError as error:
        problems += [_sentence(found) for found in error.errors(include_url=False)]
    host, key = str(raw.get("host", "127.0.0.1")), str(raw.get("api_key", ""))
    if key and len(key) < _MIN_KEY_LENGTH:
        problems.append(
            f"{ENV_PREFIX}API_KEY: has {len(key)} characters; make it {_MIN_KEY_LENGTH} or more."
        )
    if not is_loopback(host) and not key:
        problems.append(
            f"--host: {host} can be reached from other machines; set {ENV_PREFIX}API_KEY to a "
            f"secret of {_MIN_KEY_LENGTH} characters or more, or stay on 127.0.0.1."
        )
    if settings is not None:
        problems += _server_problems(settings)
        problems += _company_problems(settings)
    if problems or settings is None:
        raise SettingsError(problems)
    return settings


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


def is_loopback(host: str) -> bool:
    """Tell whether an address or name is reachable from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _sentence(found: Any) -> str:
    name = str(found["loc"][0])
    message = found["msg"].removeprefix("Value error, ")
    # Our own messages quote the value already; a key is never shown.
    quoted = found["type"] == "value_error" or name == "api_key"
    said = "" if quoted else f" (it was {found['input']!r})"
    flag = _FLAGS.get(name, name.replace("_", "-"))
    return f"--{flag} or {ENV_PREFIX}{name.upper()}: {message}{said}."
