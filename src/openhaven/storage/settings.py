"""Settings: one TOML file, then the environment; validated at start, refused when unknown."""

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from openhaven.core import Problem, harm

Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]
Items = Annotated[int, msgspec.Meta(ge=1, le=100_000)]
Days = Annotated[int, msgspec.Meta(ge=1, le=36_500)]


class Retention(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long each kind of data is kept, in days."""

    event_bodies: Days = 30
    features: Days = 30
    events: Days = 90
    unused_media: Days = 1
    media: Days = 30
    decided: Days = 365
    sessions: Days = 7


class Mail(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How e-mail leaves the house. Without a host no e-mail is sent."""

    host: str = ""
    port: Port = 25
    user: str = ""
    password: str = ""
    sender: str = ""
    starttls: bool = True


class Alerts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whom to call when somebody may be in danger or a legal clock runs out."""

    webhook: str = ""
    secret: str = ""
    email: str = ""


class Helplines(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where people are told to turn. `directory` is the adapter that reads `directory_url`."""

    verified_days: Annotated[int, msgspec.Meta(ge=1, le=3_650)] = 180
    country: Annotated[str, msgspec.Meta(pattern="^([A-Z]{2})?$", max_length=2)] = ""
    directory: str = "json"
    directory_url: str = ""
    directory_key: str = ""


class Authorities(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whom the law asks this service to tell of exploited children, and who signs the reports.

    `cybertip_url` is NCMEC's test server unless it is set: a report there is none. `hotlines` maps
    countries to the e-mail address of a hotline that has agreed to reports. `life_contacts` are
    called at once when an authority says that a life is in danger: e-mail or https addresses.
    """

    established: Annotated[str, msgspec.Meta(pattern="^([A-Z]{2})?$")] = ""
    told: tuple[Annotated[str, msgspec.Meta(pattern="^[A-Z]{2}$")], ...] = ()
    cybertip_url: str = "https://exttest.cybertip.org/ispws"
    reporter_first_name: str = ""
    reporter_last_name: str = ""
    reporter_email: str = ""
    company: str = ""
    contact_first_name: str = ""
    contact_last_name: str = ""
    contact_email: str = ""
    contact_phone: str = ""
    terms_of_service: str = ""
    legal_url: str = ""
    hotlines: dict[Annotated[str, msgspec.Meta(pattern="^[A-Z]{2}$")], str] = {}
    life_contacts: Annotated[tuple[str, ...], msgspec.Meta(max_length=10)] = ()


class Objects(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An S3-compatible store for sealed media and evidence. Without a bucket they lie on the disk.

    `credentials` is a file with the two keys; `lock` is how evidence is locked in it while a hold
    stands, where the bucket can lock objects.
    """

    endpoint: str = ""
    bucket: str = ""
    region: str = "us-east-1"
    prefix: str = ""
    credentials: Path | None = None
    lock: Literal["compliance", "governance", "none"] = "compliance"


class Timestamps(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A service that stamps the time on packets of evidence (RFC 3161); without `url` none.

    `roots` is a PEM file of the certificates under which its answers are checked.
    """

    url: str = ""
    roots: Path | None = None


class Exposure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much of what is hard to see is asked of one person: `items` within `hours`, then a pause.

    An item is a picture seen clearly or a task judged.
    """

    items: Items
    hours: Annotated[int, msgspec.Meta(ge=1, le=24)] = 8
    pause_minutes: Annotated[int, msgspec.Meta(ge=5, le=240)] = 15


class Wellbeing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Exposure by the severity of the harm, from 1 to 4, and of all together.

    `harms` has harm classes for which it differs as names. The defaults are ours, after what the
    "Employee Resilience Guidebook" (Technology Coalition, 2015) advises: limit how much and how
    long, and make the pause a matter of course and not a favour.
    """

    items: tuple[Items, Items, Items, Items] = (120, 80, 40, 20)
    items_in_all: Items = 200
    hours: Annotated[int, msgspec.Meta(ge=1, le=24)] = 8
    pause_minutes: Annotated[int, msgspec.Meta(ge=5, le=240)] = 15
    harms: dict[str, Exposure] = {}

    def limit(self, code: str, severity: int) -> Exposure:
        """Return how much of a harm class is asked of one person."""
        usual = Exposure(self.items[severity - 1], self.hours, self.pause_minutes)
        return self.harms.get(code, usual)

    @property
    def everything(self) -> Exposure:
        """How much of all harms together is asked of one person."""
        return Exposure(self.items_in_all, self.hours, self.pause_minutes)


class Translation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A service that translates texts for reviewers. Without an address no text leaves the house.

    `adapter` speaks to it; `towards` is the language of the reviewers; `private` lets texts from
    private conversations out as well.
    """

    adapter: str = "json"
    url: str = ""
    key: str = ""
    towards: Annotated[str, msgspec.Meta(pattern="^[a-z]{2,3}(-[A-Za-z0-9]+)*$")] = "en"
    private: bool = False


class SignIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which ways of signing in there are besides passkeys and links."""

    passwords: bool = True


class Oidc(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A service that says who somebody is (OpenID Connect). Without an issuer there is none.

    `roles` maps a group, as the service names it, to roles here.
    """

    issuer: str = ""
    client_id: str = ""
    client_secret: str = ""
    name: str = ""
    scope: str = "openid profile"
    groups: str = "groups"
    roles: dict[str, tuple[str, ...]] = {}


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything an operator may set; every default is safe on a machine that others can reach."""

    home: Path = Path(".openhaven")
    host: str = "127.0.0.1"
    port: Port = 8700
    public_url: str = ""
    database_url: str = ""
    service_name: str = "This service"
    operator_contact: str = ""
    behind_proxy: bool = False
    pack: str = "starter"
    media_limit: Annotated[int, msgspec.Meta(ge=1_000, le=1_000_000_000)] = 32_000_000
    metrics_token: str = ""
    double_review: Annotated[int, msgspec.Meta(ge=0, le=100)] = 5
    undo_seconds: Annotated[int, msgspec.Meta(ge=0, le=300)] = 30
    staffing: Literal["solo", "two", "team"] = "team"
    bulk_size: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 25
    outside_bodies: tuple[str, ...] = ()
    language: str = "en"
    locales: Path | None = None
    protections: Path | None = None
    age_link_days: Annotated[int, msgspec.Meta(ge=1, le=365)] = 30
    returning: Literal["off", "review", "friction"] = "review"
    retention: Retention = Retention()
    mail: Mail = Mail()
    alerts: Alerts = Alerts()
    helplines: Helplines = Helplines()
    sign_in: SignIn = SignIn()
    oidc: Oidc = Oidc()
    wellbeing: Wellbeing = Wellbeing()
    translation: Translation = Translation()
    authorities: Authorities = Authorities()
    objects: Objects = Objects()
    timestamps: Timestamps = Timestamps()

    @property
    def url(self) -> str:
        """The address that people and platforms use, without a trailing slash."""
        return self.public_url.rstrip("/") or f"http://{self.host}:{self.port}"

    @staticmethod
    def load(environ: Mapping[str, str] = os.environ) -> "Settings":
        """Read `openhaven.toml` (or the file in OPENHAVEN_CONFIG), then OPENHAVEN_* variables.

        Raises `Problem` for an unknown name or a wrong value, with its path.
        """
        given = _from_file(environ.get("OPENHAVEN_CONFIG", ""))
        given |= _from_environment(environ)
        try:
            found = msgspec.convert(given, Settings, strict=False, dec_hook=_path)
        except msgspec.ValidationError as error:
            raise Problem(
                "settings.wrong",
                "A setting is wrong.",
                str(error),
                next_step="docs/operations.md lists every setting.",
            ) from error
        for code in found.wellbeing.harms:
            harm(code)
        for number, body in enumerate(found.outside_bodies):
            _check_body(number, body)
        return found


# A name, a comma, and an address without a space.
_BODY = re.compile(r"(?=.{8,200}$)[^\s,][^\r\n;]*, https://[^\s;]+\.[^\s;]+")
_NAMES = ("home", "host", "port", "public_url", "database_url", "service_name",
          "operator_contact", "behind_proxy", "pack", "media_limit", "metrics_token",
          "double_review", "undo_seconds", "staffing", "bulk_size", "language", "locales",
          "protections", "age_link_days", "returning")  # fmt: skip


def _check_body(number: int, body: str) -> None:
    """Raise `Problem` unless people can find a body outside by what is said of it."""
    if not _BODY.fullmatch(body):
        raise Problem("settings.wrong", "A body outside is named with its address on the web.",
                      f"{body[:80]!r} at `$.outside_bodies[{number}]`",
                      next_step="Write it as “Name, https://…”, up to 200 characters.",
                      )  # fmt: skip


def _path(kind: type, value: object) -> object:
    """Read a path; every other type is one that the library knows."""
    if kind is not Path or not isinstance(value, str):
        raise TypeError(f"{kind.__name__} is not to be read from {type(value).__name__}")
    return Path(value).expanduser()


def _from_file(name: str) -> dict[str, object]:
    path = Path(name or "openhaven.toml")
    if not name and not path.exists():
        return {}
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise Problem(
            "settings.unreadable",
            f"The settings file {path} cannot be read.",
            str(error),
            next_step="Mend the file or unset OPENHAVEN_CONFIG.",
        ) from error


def _from_environment(environ: Mapping[str, str]) -> dict[str, object]:
    found = {name: environ.get(f"OPENHAVEN_{name.upper()}") for name in _NAMES}
    return {name: value for name, value in found.items() if value is not None}
