"""A feed's word of what is new, for all of its cameras at once, and how far it can be believed.

The word may be a copy that has stopped, while the media go on. That nothing is new is believed while no clip is
overdue; then the camera itself is asked. Where it has a clip of which the word said nothing, and the next time again,
the word is behind: its camera is asked whenever it is due, until the word is the first to tell of a clip.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from ingest.city.config import CityConfig
from ingest.feed import Feed, FetchFailed, Version

log = logging.getLogger(__name__)

UNTOLD = 2
"""Clips in a row of which the word said nothing: a single one may have been published since it was asked for."""


@dataclass(frozen=True)
class Question:
    """What the word was when a camera was asked; `told`: that it has something new."""

    word: Version | None
    told: bool


class Newest:
    """Asks one feed what is new. Cameras go by their names in its list. Safe between threads.

    `there` says whether the feed has such a word at all, `pause_s` how long to wait before it is asked for again.
    """

    def __init__(self, feed: Feed, config: CityConfig, random: Random) -> None:
        self.there = True
        self.pause_s = config.newest_every_s
        self._feed = feed
        self._config = config
        self._random = random
        self._lock = threading.Lock()
        self._words: Mapping[str, Version] = {}
        self._followed: dict[str, Version] = {}
        self._untold: dict[str, int] = {}
        self._behind: set[str] = set()

    @property
    def behind(self) -> int:
        """Of how many cameras the word is behind."""
        return len(self._behind)

    @property
    def told(self) -> bool:
        """Whether it could be had when it was last asked for."""
        return bool(self._words)

    def ask(self) -> bool:
        """Have the word of now; False where it cannot be had, or there is none."""
        try:
            words = self._feed.newest()
        except FetchFailed as error:
            name = self._feed.name
            log.warning("%s: what is new cannot be had, so its cameras are asked one by one: %s", name, error)
            self.pause_s = max(self._config.newest_every_s * self._random.uniform(1, 3), error.retry_after_s or 0.0)
            self._words = {}
            return False
        self.pause_s = self._config.newest_every_s
        self.there = words is not None
        self._words = words or {}
        return self.there

    def wait_s(self, camera: str, cadence_s: float) -> float:
        """How long after its clip is due a camera is left alone, for the word to be first where it moves again."""
        return min(self._config.newest_every_s, cadence_s / 4) if camera in self._behind else 0.0

    def tells(self, camera: str, known: Version | None) -> bool:
        """Whether there is something new, for which the camera has not been asked. `known` is what it gave last."""
        with self._lock:
            word = self._words.get(camera)
            return word is not None and not word.same(known) and not word.same(self._followed.get(camera))

    def denies(self, camera: str, known: Version | None) -> bool:
        """Whether there is nothing new, by a word that is believed."""
        with self._lock:
            word = self._words.get(camera)
            return word is not None and word.same(known) and camera not in self._behind

    def question(self, camera: str, known: Version | None) -> Question:
        """The camera is about to be asked."""
        return Question(self._words.get(camera), self.tells(camera, known))

    def answered(self, camera: str, question: Question, *, new: bool) -> None:
        """It has answered, with a `new` clip or with nothing new."""
        if question.word is None:
            return
        with self._lock:
            self._followed[camera] = question.word
            if not new:
                return
            self._untold[camera] = 0 if question.told else self._untold.get(camera, 0) + 1
            before = len(self._behind)
            if self._untold[camera] >= UNTOLD:
                self._behind.add(camera)
            else:
                self._behind.discard(camera)
            after = len(self._behind)
        if after and not before:
            told = "its word of what is new is behind: camera %s has clips of which it does not tell; such cameras"
            log.warning(f"%s: {told} are asked one by one until it does", self._feed.name, camera)
        elif before and not after:
            log.warning("%s: its word of what is new is believed again", self._feed.name)
