"""Bodies are unpacked as they come, and never into more than they may be."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.fetch.body import MOST_TIMES_LARGER, Body, BodyFault
from ingest.fetch.failure import Outcome

MIB = 1 << 20


def bare_deflate(content: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(content) + packer.flush()


PACKED = {"gzip": gzip.compress, "x-gzip": gzip.compress, "deflate": zlib.compress, " GZip ": gzip.compress,
          "identity": bytes}  # fmt: skip


def body_of(coding: str | None, packed: bytes, *, max_bytes: int = MIB, step: int = 1 << 16) -> Body:
    body = Body(max_bytes)
    body.begin(coding, None)
    for start in range(0, len(packed), step):
        body.add(packed[start : start + step])
    return body


@given(st.binary(max_size=3000), st.sampled_from(sorted(PACKED)), st.integers(1, 500))
def test_what_was_packed_is_what_comes_out_however_it_is_cut(content: bytes, coding: str, step: int) -> None:
    assert body_of(coding, PACKED[coding](content), step=step).content() == content
    assert body_of("deflate", bare_deflate(content), step=step).content() == content


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_a_bomb_is_given_up_long_before_it_is_unpacked(coding: str) -> None:
    bomb = PACKED[coding](bytes(64 * MIB))
    tracemalloc.start()
    with pytest.raises(BodyFault, match=f"unpacks to more than {MOST_TIMES_LARGER} times") as fault:
        body_of(coding, bomb, max_bytes=512 * MIB)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert fault.value.outcome is Outcome.OVERSIZE
    assert peak_bytes < 24 * MIB


def test_the_cap_is_of_what_comes_out() -> None:
    packed = gzip.compress(bytes(range(256)) * 40)
    assert len(body_of("gzip", packed, max_bytes=10_240).content()) == 10_240
    with pytest.raises(BodyFault, match="larger than 10,239 bytes"):
        body_of("gzip", packed, max_bytes=10_239)


@given(st.integers(1, 199))
def test_a_packed_body_that_ends_early_is_not_taken(cut: int) -> None:
    packed = gzip.compress(bytes(range(200)), mtime=0)
    with pytest.raises(BodyFault) as fault:
        body_of("gzip", packed[:-cut]).content()
    assert fault.value.outcome is Outcome.TRUNCATED


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip", "deflate, gzip", "compress", "x" * 5000])
def test_what_was_not_asked_for_is_not_unpacked(coding: str) -> None:
    with pytest.raises(BodyFault, match="not asked for"):
        Body(MIB).begin(coding, None)


@pytest.mark.parametrize("length", ["1048577", "9" * 30, "1e3"])
def test_too_much_is_refused_when_it_is_announced(length: str) -> None:
    with pytest.raises(BodyFault, match="announces more than 1,048,576 bytes"):
        Body(MIB).begin(None, length)


@given(st.binary(max_size=300), st.sampled_from(["gzip", "deflate", "identity"]))
def test_no_bytes_make_it_fail_in_another_way(garbage: bytes, coding: str) -> None:
    try:
        body_of(coding, garbage).content()
    except BodyFault as fault:
        assert fault.outcome in (Outcome.TRUNCATED, Outcome.OVERSIZE)  # noqa: PT017 - garbage may be a whole body


def test_bytes_behind_the_packed_ones_are_not_taken() -> None:
    with pytest.raises(BodyFault, match="goes on after the end"):
        body_of("gzip", gzip.compress(b"one") + gzip.compress(b"two"))
