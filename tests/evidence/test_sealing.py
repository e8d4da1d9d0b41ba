"""Sealing: what was sealed comes back, and nothing that was altered or mixed up does."""

import hashlib
import os

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from openhaven.evidence import sealing
from openhaven.evidence.sealing import CHUNK, HEADER, Named, SealError, seal, unseal

SIZES = st.one_of(
    st.integers(0, 200),
    st.sampled_from([CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 1, 3 * CHUNK]),
)


def named(data: bytes, item: str = "evi_1") -> Named:
    return Named(item, hashlib.sha256(data).digest(), len(data))


def sealed(data: bytes, key: bytes, item: str = "evi_1") -> bytes:
    return b"".join(seal([data], key, named(data, item)))


def cut(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


@given(size=SIZES, step=st.integers(1, 70_000))
@settings(max_examples=60, deadline=None)
def test_comes_back_however_it_is_cut(size: int, step: int) -> None:
    data, key = os.urandom(size), sealing.fresh_key()
    step = max(step, size // 50 + 1)
    whole = b"".join(seal(cut(data, step), key, named(data)))
    assert data[:32] not in whole or size < 8
    assert b"".join(unseal(cut(whole, step), key, named(data))) == data


@given(size=SIZES, place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
@settings(max_examples=60, deadline=None)
def test_one_flipped_bit_is_refused(size: int, place: float, bit: int) -> None:
    data, key = os.urandom(size), sealing.fresh_key()
    altered = bytearray(sealed(data, key))
    altered[int(place * len(altered))] ^= 1 << bit
    with pytest.raises(SealError):
        b"".join(unseal([bytes(altered)], key, named(data)))


@given(size=SIZES, keep=st.floats(0, 1, exclude_max=True))
@settings(max_examples=40, deadline=None)
def test_what_is_cut_or_longer_is_refused(size: int, keep: float) -> None:
    data, key = os.urandom(size), sealing.fresh_key()
    whole = sealed(data, key)
    for other in (whole[: int(keep * len(whole))], whole + b"x", whole + whole[-16:]):
        with pytest.raises(SealError):
            b"".join(unseal([other], key, named(data)))


def test_chunks_do_not_change_places() -> None:
    data, key = os.urandom(3 * CHUNK), sealing.fresh_key()
    whole, piece = sealed(data, key), CHUNK + 16
    first, second, rest = (
        whole[HEADER : HEADER + piece],
        whole[HEADER + piece : HEADER + 2 * piece],
        whole[HEADER + 2 * piece :],
    )
    for mixed in (second + first + rest, first + first + rest, first + rest, first + second):
        with pytest.raises(SealError):
            b"".join(unseal([whole[:HEADER] + mixed], key, named(data)))


def test_one_ciphertext_opens_as_one_item_under_one_key_only() -> None:
    data, key = b"PLACEHOLDER " * 9000, sealing.fresh_key()
    whole = sealed(data, key)
    others = [
        (sealing.fresh_key(), named(data)),
        (key, named(data, "evi_2")),
        (key, named(data + b"x")),
        (key, Named("evi_1", named(data).sha256, len(data) + 1)),
    ]
    for other, whose in others:
        pieces = unseal([whole], other, whose)
        with pytest.raises(SealError, match="another item or another key"):
            next(pieces)


def test_a_file_that_changes_while_it_is_sealed_is_refused() -> None:
    with pytest.raises(SealError, match="changed"):
        b"".join(seal([b"before"], sealing.fresh_key(), named(b"after!")))


def test_a_key_is_wrapped_for_one_officer_and_one_item() -> None:
    officer, other = X25519PrivateKey.generate(), X25519PrivateKey.generate()
    key = sealing.fresh_key()
    wrapped = sealing.wrap(key, officer.public_key().public_bytes_raw(), "evi_1")
    assert key not in wrapped
    assert sealing.unwrap(wrapped, officer, "evi_1") == key
    for whose, item, data in (
        (other, "evi_1", wrapped),
        (officer, "evi_2", wrapped),
        (officer, "evi_1", wrapped[:-1]),
        (officer, "evi_1", b""),
    ):
        with pytest.raises(SealError):
            sealing.unwrap(data, whose, item)


def test_two_items_of_the_same_bytes_share_nothing() -> None:
    data = b"PLACEHOLDER"
    key = sealing.fresh_key()
    assert sealed(data, key) != sealed(data, key)
    assert sealed(data, key, "evi_1")[-11:] != sealed(data, key, "evi_2")[-11:]
