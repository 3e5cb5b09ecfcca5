"""Whether cameras that a list lacks have left it: a few have, and many at once only when the next list says so too."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from ingest.feed import ListedCamera

log = logging.getLogger(__name__)

MANY = 0.2
"""Of all cameras that were listed, and more than one: that so many leave in one moment is more often a cut-off list."""


class Leaving:
    """The cameras that one feed's last list lacked, and that were not believed to have left."""

    def __init__(self, feed: str) -> None:
        self._feed = feed
        self._doubted: frozenset[str] = frozenset()

    def stay(self, listed: Sequence[ListedCamera], known: Mapping[str, ListedCamera]) -> Sequence[ListedCamera]:
        """Of the cameras `known` to be listed, by name, those that the new list lacks and that stay all the same."""
        lacking = known.keys() - {one.camera.id for one in listed}
        if len(lacking) <= max(1.0, MANY * len(known)):
            self._doubted = frozenset()
            return ()
        staying = lacking - self._doubted
        if staying:
            log.warning(
                "%s: its list lacks %d of the %d cameras that it had: they stay, unless the next list lacks them too",
                self._feed,
                len(staying),
                len(known),
            )
        self._doubted = frozenset(lacking)
        return [known[name] for name in sorted(staying)]
