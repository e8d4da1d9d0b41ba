"""What the compiled loops need of the processor: count bits 32 lanes at a time, and fetch ahead.

Each word exists twice: as an LLVM intrinsic, from which LLVM makes AVX-512, AVX2, NEON or plain
code by itself, and in plain arithmetic for processors of another kind. `OPENHAVEN_PLAIN=1` chooses
the plain one, which is how it is tested. Compiled code is kept on disk beside this file, or in the
user's cache where that is not writable, or not at all; it is bound to the processor's model.
"""

# The signatures of intrinsics are given by numba.
# ruff: noqa: ARG001

import os
import platform
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

F = TypeVar("F", bound=Callable[..., Any])

LANES = 32
WIDE = 8
PLAIN = os.environ.get("OPENHAVEN_PLAIN") == "1" or platform.machine() not in {
    "x86_64",
    "AMD64",
    "aarch64",
    "arm64",
}


def compiled(function: F) -> F:
    """Return the function compiled at its first call, running without the interpreter's lock."""
    if not PLAIN:  # what is kept does not tell the two kinds apart
        try:
            return cast(F, numba.njit(nogil=True, error_model="numpy", cache=True)(function))
        except RuntimeError:  # there is no place to keep anything
            pass
    return cast(F, numba.njit(nogil=True, error_model="numpy")(function))


def inlined(function: F) -> F:
    """Return a small function that compiled ones take into themselves."""
    return cast(F, numba.njit(forceinline=True, error_model="numpy")(function))


def _place(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> Any:
    """Return the address of `array[index]` of a one-dimensional array."""
    view = context.make_array(kind)(context, builder, array)
    return builder.gep(view.data, [index])


def _screen(typing: Any, array: Any, start: Any, want: Any, limit: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        lanes = ir.VectorType(ir.IntType(16), LANES)
        at = builder.bitcast(
            _place(context, builder, array, given[0], given[1]), lanes.as_pointer()
        )
        loaded = builder.load(at, align=2)
        wanted = _spread(builder, builder.trunc(given[2], ir.IntType(16)), lanes)
        allowed = _spread(builder, builder.trunc(given[3], ir.IntType(16)), lanes)
        count = _counting(builder, lanes, f"v{LANES}i16")
        near = builder.icmp_unsigned(
            "<=", builder.call(count, [builder.xor(loaded, wanted)]), allowed
        )
        mask = builder.bitcast(near, ir.IntType(LANES))
        return builder.zext(mask, ir.IntType(64))

    return types.uint64(array, types.int64, types.uint64, types.uint64), code


def _screen2(typing: Any, first: Any, second: Any, start: Any, a: Any, b: Any, limit: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        lanes = ir.VectorType(ir.IntType(64), WIDE)
        count = _counting(builder, lanes, f"v{WIDE}i64")
        distances = []
        for array, kind, want in ((given[0], first, given[3]), (given[1], second, given[4])):
            at = builder.bitcast(
                _place(context, builder, kind, array, given[2]), lanes.as_pointer()
            )
            loaded = builder.load(at, align=8)
            differing = builder.xor(loaded, _spread(builder, want, lanes))
            distances.append(builder.call(count, [differing]))
        allowed = _spread(builder, given[5], lanes)
        near = builder.icmp_unsigned("<=", builder.add(*distances), allowed)
        return builder.zext(builder.bitcast(near, ir.IntType(WIDE)), ir.IntType(64))

    word = types.uint64
    return word(first, second, types.int64, word, word, word), code


def _counting(builder: Any, kind: Any, name: str) -> Any:
    return _known(builder, ir.FunctionType(kind, [kind]), f"llvm.ctpop.{name}")


def _known(builder: Any, kind: Any, name: str) -> Any:
    insert: Any = cgutils.get_or_insert_function
    return insert(builder.module, kind, name)


def _spread(builder: Any, value: Any, lanes: Any) -> Any:
    one = builder.insert_element(
        ir.Constant(lanes, ir.Undefined), value, ir.Constant(ir.IntType(32), 0)
    )
    nothing = ir.Constant(ir.VectorType(ir.IntType(32), lanes.count), None)
    return builder.shuffle_vector(one, one, nothing)


def _ones(typing: Any, word: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return builder.call(_counting(builder, ir.IntType(64), "i64"), given)

    return types.int64(types.uint64), code


def _lowest(typing: Any, word: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return builder.cttz(given[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.uint64), code


def _fetch(typing: Any, array: Any, index: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        at = builder.bitcast(_place(context, builder, array, given[0], given[1]), byte)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        ahead = _known(builder, kind, "llvm.prefetch.p0i8")
        builder.call(ahead, [at, number(0), number(3), number(1)])
        return context.get_dummy_value()

    return types.void(array, types.int64), code


@numba.njit
def _plain_ones(word: Any) -> Any:
    word = np.uint64(word)
    word -= (word >> np.uint64(1)) & np.uint64(0x5555555555555555)
    word = (word & np.uint64(0x3333333333333333)) + (
        (word >> np.uint64(2)) & np.uint64(0x3333333333333333)
    )
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((word * np.uint64(0x0101010101010101)) >> np.uint64(56))


@numba.njit
def _plain_lowest(word: Any) -> Any:
    word = np.uint64(word)
    return _plain_ones((word - np.uint64(1)) & ~word)


@numba.njit
def _plain_screen(array: Any, start: Any, want: Any, limit: Any) -> Any:
    mask = np.uint64(0)
    for lane in range(LANES):
        if _plain_ones(np.uint64(array[start + lane]) ^ np.uint64(want)) <= limit:
            mask |= np.uint64(1) << np.uint64(lane)
    return mask


@numba.njit
def _plain_screen2(first: Any, second: Any, start: Any, a: Any, b: Any, limit: Any) -> Any:
    mask = np.uint64(0)
    for lane in range(WIDE):
        far = _plain_ones(first[start + lane] ^ a) + _plain_ones(second[start + lane] ^ b)
        if far <= limit:
            mask |= np.uint64(1) << np.uint64(lane)
    return mask


@numba.njit
def _plain_fetch(array: Any, index: Any) -> Any:
    return None


# screen(sketches, start, want, limit): a bit for each of 32 entries at most `limit` bits from want.
screen: Any = _plain_screen if PLAIN else intrinsic(_screen)
# screen2(first, second, start, a, b, limit): the same for 8 pairs of 64-bit words.
screen2: Any = _plain_screen2 if PLAIN else intrinsic(_screen2)
# ones(word): how many bits are set. lowest(word): the place of the lowest one; not for 0.
ones: Any = _plain_ones if PLAIN else intrinsic(_ones)
lowest: Any = _plain_lowest if PLAIN else intrinsic(_lowest)
# fetch(array, index): ask for the memory at that place; any place at all may be named.
fetch: Any = _plain_fetch if PLAIN else intrinsic(_fetch)
