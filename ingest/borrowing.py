"""Fetches the bytes of a clip from the process that lends them: within the cluster, by the shared secret, in memory.

What comes is held to the hash that the clip names. Its trouble is ours and not the camera's: a clip that is lent no
more, or whose lender is gone, is `skipped`, and the same clip may come again, lent by another process. So whoever
counts must not take note of a skipped clip as handled.
"""

from __future__ import annotations

import hashlib
import time
from urllib.parse import urlsplit

import httpx

from core.records import ClipReady, Status
from ingest.lending.config import LendingConfig
from ingest.refusal import oversize, unreachable
from ingest.source import UnusableClip

ATTEMPTS = 2
CONNECT_S = 3.0
_PATH = "/clips/"
_MAY_COME_AGAIN = "It may be fetched again by the process that took its camera over"


class Borrower:
    """`MediaReader` of clips that are lent: whose `location` is `http://LENDER/clips/CONTENT`. Safe between threads."""

    def __init__(self, config: LendingConfig, max_bytes: int) -> None:
        """Raises `ConfigError` where there is no secret."""
        self._config = config
        self._max_bytes = max_bytes
        self._deadline_s = config.borrow_timeout_s
        self._client = httpx.Client(
            headers={
                "Authorization": f"Bearer {config.token()}",
                "User-Agent": "busyness",
                "Accept-Encoding": "identity",
            },
            timeout=httpx.Timeout(min(config.borrow_timeout_s, CONNECT_S)),
            follow_redirects=False,
            trust_env=False,  # no proxy stands within a cluster
        )

    @staticmethod
    def lent(clip: ClipReady) -> bool:
        """Whether this clip is one that is borrowed."""
        return clip.content is not None and clip.location.endswith(_PATH + clip.content)

    def read(self, clip: ClipReady) -> bytes:
        """The bytes of a clip.

        Raises `UnusableClip`: unreachable (it names no lender of ours), skipped (gone, or not to be had), oversize.
        """
        address = self._address(clip)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                content = self._ask(address, clip)
            except httpx.HTTPError as error:
                if attempt == ATTEMPTS:
                    raise _skipped(clip, f"its lender does not answer ({type(error).__name__})") from error
                continue
            if hashlib.sha256(content).hexdigest()[:32] == clip.content:
                return content
        raise _skipped(clip, "its lender gives other bytes than those that it names")

    def close(self) -> None:
        """Let go of every connection."""
        self._client.close()

    def _address(self, clip: ClipReady) -> str:
        """Where the clip is asked for, put together anew from what was checked. Raises `UnusableClip`."""
        try:
            parts = urlsplit(clip.location)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            host, port = "", None
        shown, name = f"[{host}]" if ":" in host else host, clip.content or ""
        address = f"http://{shown}:{port}{_PATH}{name}"
        ours = self._config.may_borrow_from(host) and self._config.port in (0, port)
        if not ours or not name or address != clip.location:
            raise unreachable(
                f"the clip of {clip.camera}",
                "is at no address that clips are borrowed from",
                "Name the lenders in ingest.lend.lenders, and give all of them the same port",
            )
        return address

    def _ask(self, address: str, clip: ClipReady) -> bytes:
        """Raises `UnusableClip`, and `httpx.HTTPError` where another attempt may succeed."""
        deadline = time.monotonic() + self._deadline_s
        with self._client.stream("GET", address) as answer:
            if answer.status_code != httpx.codes.OK:
                raise _skipped(clip, _REFUSED.get(answer.status_code, f"its lender answers {answer.status_code}"))
            content = bytearray()
            for part in answer.iter_raw():
                content += part
                if len(content) > self._max_bytes:
                    raise oversize(
                        f"the clip of {clip.camera}", f"more than {self._max_bytes} bytes", "max_bytes", self._max_bytes
                    )
                if time.monotonic() > deadline:
                    raise httpx.ReadTimeout("too slow")
            return bytes(content)


_REFUSED: dict[int, str] = {
    httpx.codes.UNAUTHORIZED: "its lender has another secret: give all workers the same",
    httpx.codes.GONE: "it waited too long to be counted, and is lent no more",
}


def _skipped(clip: ClipReady, why: str) -> UnusableClip:
    message = f"the clip of {clip.camera} of {clip.event_time:%H:%M:%S} UTC was not counted: {why}"
    return UnusableClip(Status.SKIPPED, message, remedy=_MAY_COME_AGAIN)
