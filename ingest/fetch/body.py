"""The body of an answer, unpacked as it comes, and given up as soon as it is more than it may be."""

from __future__ import annotations

import re
import zlib

from ingest.fetch.failure import Outcome

MOST_TIMES_LARGER = 200
"""Unpacked against packed. Camera lists reach 20 to 50 times; what deflate can be made to reach is 1032 times."""

_FREE_BYTES = 1 << 20  # so much may be unpacked before the ratio is looked at: small answers may well be all alike
_STEP_BYTES = 1 << 16
_LENGTH = re.compile("[0-9]{1,15}")
_ACCEPTED = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}

_TOO_LARGE = "Raise `max_bytes` of its source if it is as large as that"

ACCEPT_ENCODING = "gzip, deflate"


class BodyFault(Exception):
    """A body that is not taken: what is wrong with it, as an outcome and in words, and what to do."""

    def __init__(
        self, outcome: Outcome, what: str, remedy: str = "A running installation asks it again when it is due"
    ) -> None:
        super().__init__(what)
        self.outcome = outcome
        self.what = what
        self.remedy = remedy


class Body:
    """Collects one answer's body of at most `max_bytes`, unpacked. `packed_bytes` is what came over the wire."""

    def __init__(self, max_bytes: int) -> None:
        self.begun = False
        self.packed_bytes = 0
        self._max_bytes = max_bytes
        self._wbits: int | None = None
        self._unpacker: zlib._Decompress | None = None
        self._first = b""
        self._content = bytearray()

    def begin(self, coding: str | None, length: str | None) -> None:
        """What the answer's head says of it: `Content-Encoding`, and `Content-Length` where that holds.

        Raises `BodyFault` before a byte of the body is read, where it announces too much or what was not asked for.
        """
        self.begun = True
        coding = (coding or "identity").strip().lower()
        if coding != "identity" and coding not in _ACCEPTED:
            raise BodyFault(Outcome.TRUNCATED, "is packed in a way that was not asked for")
        self._wbits = _ACCEPTED.get(coding)
        if length is not None and (not _LENGTH.fullmatch(length) or int(length) > self._max_bytes):
            raise BodyFault(Outcome.OVERSIZE, f"announces more than {self._max_bytes:,} bytes", _TOO_LARGE)

    def add(self, chunk: bytes) -> None:
        """The next bytes from the wire. Raises `BodyFault`."""
        self.packed_bytes += len(chunk)
        if self._wbits is None:
            self._keep(chunk)
            return
        if self._unpacker is None:
            self._first += chunk
            if len(self._first) < 2:
                return
            chunk, self._first = self._first, b""
            self._unpacker = zlib.decompressobj(_wbits(self._wbits, chunk))
        self._unpack(self._unpacker, chunk)

    def content(self) -> bytes:
        """All of it. Raises `BodyFault` where what was packed ends too early."""
        if self._first or (self._unpacker is not None and not self._unpacker.eof):
            raise BodyFault(Outcome.TRUNCATED, "ends before what is packed in it does")
        return bytes(self._content)

    def _unpack(self, unpacker: zlib._Decompress, packed: bytes) -> None:
        try:
            while True:
                piece = unpacker.decompress(packed, _STEP_BYTES)
                self._keep(piece)
                packed = unpacker.unconsumed_tail
                if not packed and len(piece) < _STEP_BYTES:
                    break
        except zlib.error:
            raise BodyFault(Outcome.TRUNCATED, "is not packed the way it says") from None
        if unpacker.unused_data:
            raise BodyFault(Outcome.TRUNCATED, "goes on after the end of what is packed in it")

    def _keep(self, piece: bytes) -> None:
        self._content += piece
        if len(self._content) > self._max_bytes:
            raise BodyFault(Outcome.OVERSIZE, f"is larger than {self._max_bytes:,} bytes", _TOO_LARGE)
        if len(self._content) > max(_FREE_BYTES, MOST_TIMES_LARGER * self.packed_bytes):
            raise BodyFault(Outcome.OVERSIZE, f"unpacks to more than {MOST_TIMES_LARGER} times its size")


def _wbits(wbits: int, start: bytes) -> int:
    """`deflate` is zlib's format (RFC 9110, 8.4.1.2), and some servers send bare deflate: told by the first bytes."""
    bare = wbits == zlib.MAX_WBITS and (start[0] & 0x0F != 8 or int.from_bytes(start[:2], "big") % 31)
    return -zlib.MAX_WBITS if bare else wbits
