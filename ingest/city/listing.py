"""A feed's list of cameras: asked for now and then, sooner where it cannot be had, and what it was before."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from random import Random

from ingest.city.config import CityConfig
from ingest.city.known_lists import KnownLists
from ingest.feed import Feed, FetchFailed, ListedCamera

log = logging.getLogger(__name__)

LONGEST_DOUBLING = 16


class Listing:
    """Asks one feed for its list. `failures` is how often in a row that was in vain, `trouble` why, in words.

    `pause_s` is how long to wait before it is asked again.
    """

    def __init__(self, feed: Feed, config: CityConfig, kept: KnownLists, random: Random) -> None:
        self.failures = 0
        self.trouble: str | None = None
        self.pause_s = 0.0
        self._feed = feed
        self._config = config
        self._kept = kept
        self._random = random

    @property
    def before(self) -> Sequence[ListedCamera]:
        """What the feed listed when it last did, by this process or the one before; empty where that is not known.

        Where other cameras were wanted then, it is not.
        """
        return self._kept.of(self._feed.name, self._feed.choice)

    def ask(self) -> Sequence[ListedCamera] | None:
        """The cameras that the publisher lists now; None where that cannot be had."""
        try:
            listed = self._feed.cameras()
        except FetchFailed as error:
            self._failed(error)
            return None
        except Exception as error:  # an adapter's mistake is no other than a publisher's: the list is not there
            log.exception("%s: asking for its list of cameras failed", self._feed.name)
            self._failed(FetchFailed(f"asking failed: {type(error).__name__}: {error}"))
            return None
        self.failures, self.trouble = 0, None
        self.pause_s = self._config.list_every_s
        return listed

    def keep(self, listed: Sequence[ListedCamera]) -> None:
        """These are what it lists: what is gone on with when it cannot be asked."""
        self._kept.keep(self._feed.name, self._feed.choice, listed)

    def _failed(self, error: FetchFailed) -> None:
        self.failures += 1
        self.trouble = f"{self._feed.name}: its list of cameras cannot be had: {error}"
        log.warning("%s", self.trouble)
        doubled_s = self._config.least_visit_s * 2.0 ** min(self.failures, LONGEST_DOUBLING)
        pause_s = self._random.uniform(0, min(doubled_s, self._config.list_every_s))
        self.pause_s = max(pause_s, error.retry_after_s or 0.0, 1.0)
