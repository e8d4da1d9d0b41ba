"""Sealing of personal data: one random key per subject, wrapped by the machine's master key.

Erasure of a subject is destroying its key: whatever was sealed for it can never be opened again,
while ids, counts and the ledger's proofs stay valid.
"""

import hmac
import os
from typing import TYPE_CHECKING

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from openhaven.storage.database import Tx


class _Row(msgspec.Struct):
    subject: str
    wrapped: bytes


class Sealer:
    """Seals and opens bytes for subjects, inside one transaction.

    A sealed value is 12 bytes of nonce followed by the AES-256-GCM ciphertext, with the subject as
    associated data, so that a value moved to another subject does not open.
    """

    def __init__(self, tx: "Tx", master: bytes) -> None:
        self._tx = tx
        self._master = AESGCM(master)
        self._digest_key = hmac.digest(master, b"openhaven digest", "sha256")
        self._known: dict[str, AESGCM] = {}

    def load(self, subjects: "Iterable[str]") -> None:
        """Fetch the living keys of `subjects` with one statement."""
        wanted = [subject for subject in set(subjects) if subject not in self._known]
        if not wanted:
            return
        sql = """SELECT subject, wrapped FROM subject_keys
                 WHERE subject = ANY(%(wanted)b) AND destroyed_at IS NULL"""
        self.learn({row.subject: row.wrapped for row in self._tx.all(sql, _Row, wanted=wanted)})

    def learn(self, wrapped: "Mapping[str, bytes]") -> None:
        """Take living keys, by subject, that the caller has read along with something else."""
        for subject, key in wrapped.items():
            self._known[subject] = AESGCM(self._unwrap(subject, key))

    def ensure(self, subjects: "Iterable[str]") -> None:
        """Fetch the keys of `subjects` and make the missing ones, with two statements.

        A subject whose key was destroyed gets a new one: it is a person who came back.
        """
        wanted = set(subjects)
        self.load(wanted)
        missing = sorted(wanted - self._known.keys())
        if not missing:
            return
        wrapped = [self._wrap(subject, os.urandom(32)) for subject in missing]
        # Another transaction may have made the same key: then its key counts, and we wait for it.
        sql = """INSERT INTO subject_keys AS k (subject, wrapped)
                 SELECT * FROM unnest(%(subjects)b::text[], %(wrapped)b::bytea[])
                 ON CONFLICT (subject) DO UPDATE SET
                   wrapped = CASE WHEN k.destroyed_at IS NULL THEN k.wrapped
                                  ELSE excluded.wrapped END,
                   destroyed_at = NULL
                 RETURNING subject, wrapped"""
        made = self._tx.all(sql, _Row, subjects=missing, wrapped=wrapped)
        self.learn({row.subject: row.wrapped for row in made})

    def seal(self, subject: str, data: bytes) -> bytes:
        """Return `data` sealed for `subject`, whose key is made when there is none yet."""
        if subject not in self._known:
            self.ensure([subject])
        nonce = os.urandom(12)
        return nonce + self._known[subject].encrypt(nonce, data, subject.encode())

    def open(self, subject: str, sealed: bytes) -> bytes | None:
        """Return what was sealed, or None when the subject's key was destroyed (erased)."""
        if subject not in self._known:
            self.load([subject])
        key = self._known.get(subject)
        if key is None:
            return None
        try:
            return key.decrypt(sealed[:12], sealed[12:], subject.encode())
        except InvalidTag:
            # Sealed with an earlier key of somebody who was erased and came back.
            return None

    def destroy(self, subject: str) -> bool:
        """Destroy the subject's key for good; say whether there was one."""
        self._known.pop(subject, None)
        sql = """UPDATE subject_keys SET wrapped = '', destroyed_at = %(now)s
                 WHERE subject = %(subject)s AND destroyed_at IS NULL"""
        return self._tx.run(sql, subject=subject, now=self._tx.now) > 0

    def digest(self, data: bytes) -> bytes:
        """Return 32 bytes, equal for equal `data`, that tell nothing without the master key."""
        return hmac.digest(self._digest_key, data, "sha256")

    def _wrap(self, subject: str, key: bytes) -> bytes:
        nonce = os.urandom(12)
        return nonce + self._master.encrypt(nonce, key, b"subject:" + subject.encode())

    def _unwrap(self, subject: str, wrapped: bytes) -> bytes:
        return self._master.decrypt(wrapped[:12], wrapped[12:], b"subject:" + subject.encode())
