"""Builds and wires; the only place that does."""

from collections.abc import Iterator
from contextlib import contextmanager

from openhaven import connectors, evidence, intake, ledger, policy, signals, staff, support
from openhaven.connectors import Http, Wiring
from openhaven.core import system
from openhaven.core.words import speak
from openhaven.line import Haven
from openhaven.protections import accounts
from openhaven.staff.oidc import check_settings
from openhaven.storage import Database, Secrets, Settings, blobs_of, bucket_of, migrate, postgres
from openhaven.storage.logs import configure_logs

_ME = system("start")


@contextmanager
def running(settings: Settings) -> Iterator[Haven]:
    """Wire a process on the database that is given, runs already, or is started for the while."""
    configure_logs()
    secrets = Secrets.at(settings.home / "secrets.json")
    with postgres.start(
        settings.home, url=settings.database_url or None, password=secrets.database_password
    ) as server:
        haven = build(settings, secrets, server.url)
        try:
            yield haven
        finally:
            haven.close()


def build(settings: Settings, secrets: Secrets, url: str) -> Haven:
    """Bring the database at `url` to this version and wire everything that works on it.

    Raises `Problem` for a broken pack, an altered ledger, a database of a newer version, or a file
    of translations that cannot be read.
    """
    speak(settings.locales)
    check_settings(settings.oidc)
    migrate(url)
    db = Database(url, bytes.fromhex(secrets.master))
    signer = ledger.signer_from(bytes.fromhex(secrets.ledger_seed))
    bucket, banks = bucket_of(settings.objects), signals.Banks(folder=settings.home / "banks")
    blobs = blobs_of(settings.home, bucket)
    hasher = signals.MediaHasher()
    wiring = Wiring(settings, db, blobs, Http(), hasher)
    sequencer = ledger.Sequencer(db, signer, settings.home)
    # First of all the ledger is held against its outside copy: else nothing may be written.
    sequencer.start()
    haven = Haven(
        settings=settings,
        secrets=secrets,
        db=db,
        blobs=blobs,
        banks=banks,
        packs=policy.publishing.start(db, banks, settings.pack),
        hasher=hasher,
        http=wiring.http,
        connectors=connectors.connect(wiring),
        signer=signer,
        sequencer=sequencer,
        vault=evidence.vault(settings.home, bytes.fromhex(secrets.master), db, bucket),
        protections=accounts.start(db, settings.protections),
        support=support.Support(
            db, days=settings.helplines.verified_days, country=settings.helplines.country
        ),
    )
    _first_words(haven)
    return haven


def _first_words(haven: Haven) -> None:
    """Make the default platform, and learn of the banks and of who helps."""
    with haven.db.begin(_ME) as tx:
        if tx.lock("openhaven.default_platform") and not tx.value(
            "SELECT 1 FROM platforms LIMIT 1"
        ):
            intake.add_platform(tx, "default")
        haven.banks.refresh(tx)
        support.ship(tx)
        staff.set_staffing(tx, haven.settings.staffing)
    haven.support.current()
