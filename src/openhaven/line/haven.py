"""The wired parts of one process, handed to whoever works in it. Only `main.py` builds one."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from openhaven.connectors import Connector, Http
from openhaven.decisions import Voice
from openhaven.evidence import Vault
from openhaven.ledger import Sequencer, Signer
from openhaven.policy import Packs
from openhaven.protections.accounts import Protections
from openhaven.signals import Banks, MediaHasher, Signal
from openhaven.staff.oidc import Provider
from openhaven.storage import Blobs, Database, Secrets, Settings
from openhaven.support import Guide, Support


@dataclass(frozen=True)
class Haven:
    """Everything a process needs: where things are stored, how they are judged, who carries out."""

    settings: Settings
    secrets: Secrets
    db: Database
    blobs: Blobs
    banks: Banks
    packs: Packs
    hasher: MediaHasher
    http: Http
    connectors: Mapping[str, Connector]
    signer: Signer
    sequencer: Sequencer
    vault: Vault
    protections: Protections
    support: Support

    @cached_property
    def oidc(self) -> Provider | None:
        """The service that says who somebody is, where the operator has one."""
        return Provider(self.settings.oidc, self.http) if self.settings.oidc.issuer else None

    @property
    def signals(self) -> tuple[Signal, ...]:
        """The signals of the pack in force. Who needs both takes `packs.now` once instead."""
        return self.packs.now.signals

    @property
    def voice(self) -> Voice:
        """How this service speaks to people."""
        named, url = self.settings.service_name, self.settings.url
        clauses, held = self.packs.now.pack.clauses, self.support
        guide = Guide(held.now, f"{url}/help", held.country)
        bodies = self.settings.outside_bodies
        return Voice(named, url, clauses, self.settings.language, guide, bodies)

    def close(self) -> None:
        """Give back what was opened."""
        self.hasher.close()
        self.db.close()
