"""What was said of losses, and what of it still waits for a webhook: one document on a shelf, so that both outlive us.

    alerts.json    said: losses that are said and not over        first: the number of the oldest alert that waits
                   alerts: [first, first + 1, ...]                webhooks: {key: next number, sent, dropped, ...}

A loss becomes said, and its alert waits, in one put. So what was said is never without its alert nor said again, and of
two processes that would say the same the shelf lets one. An alert leaves when every webhook has it, and at the latest
when too many newer ones wait.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pydantic import NonNegativeInt, ValidationError

from busyness.alerts import Alert, Said
from core.config import Closed
from core.shelf import Document, Shelf

log = logging.getLogger(__name__)

MOST_WAITING = 1000
"""Alerts that wait for one webhook; beyond it the oldest are dropped, which the next post says."""

_NAME = "alerts.json"

Judge = Callable[[Said], tuple[Said, Sequence[Alert]]]
"""Of what is said by now: what is said from now on, and the alerts that say so."""


class _Place(Closed):
    """How far a webhook has got: `told` are those of the `dropped` that a post has told it of."""

    next: NonNegativeInt
    sent: NonNegativeInt = 0
    dropped: NonNegativeInt = 0
    told: NonNegativeInt = 0


class _Page(Closed):
    """The document."""

    said: Said = Said()
    first: NonNegativeInt = 0
    alerts: tuple[Alert, ...] = ()
    webhooks: Mapping[str, _Place] = {}

    @property
    def end(self) -> int:
        """The number of the next alert."""
        return self.first + len(self.alerts)

    def place(self, webhook: str) -> _Place:
        """That of a webhook. A new one is told what still waits for others: one whose address was mended is new."""
        return self.webhooks.get(webhook) or _Place(next=self.first)

    def trimmed(self, most: int) -> _Page:
        """Without the alerts that all webhooks have, and without those before the newest `most`."""
        least = self.end - most
        places = {
            key: place.model_copy(update={"next": least, "dropped": place.dropped + least - place.next})
            if place.next < least
            else place
            for key, place in self.webhooks.items()
        }
        first = min((place.next for place in places.values()), default=self.end)
        kept = self.alerts[first - self.first :]
        return self.model_copy(update={"first": first, "alerts": kept, "webhooks": places})


@dataclass(frozen=True)
class Batch:
    """The oldest alerts that wait for a webhook, the number after them, and how many that it was never told dropped."""

    alerts: Sequence[Alert]
    end: int
    untold: int


@dataclass(frozen=True)
class WebhookState:
    """What became of the alerts for one webhook, ever, and how many wait."""

    sent: int = 0
    dropped: int = 0
    waiting: int = 0


class AlertBook:
    """The document of an installation. Any number of threads and processes may use it. Methods raise `StoreError`."""

    def __init__(self, shelf: Shelf, webhooks: Mapping[str, str], *, most_waiting: int = MOST_WAITING) -> None:
        """`webhooks` are the hosts of those that there are, by key; what waited for others alone is let go."""
        self._shelf = shelf
        self._webhooks = webhooks
        self._most_waiting = most_waiting
        self._seen = _Page()

    def say(self, judge: Judge) -> Sequence[Alert]:
        """Let `judge` decide what is to be said; returns it once it is kept. `judge` may be asked several times."""
        alerts: Sequence[Alert] = ()

        def said(page: _Page) -> _Page:
            nonlocal alerts
            after, alerts = judge(page.said)
            places = {webhook: page.place(webhook) for webhook in self._webhooks}
            waiting = (*page.alerts, *alerts)
            return page.model_copy(update={"said": after, "alerts": waiting, "webhooks": places})

        self._change(said)
        return alerts

    def waiting(self, webhook: str, most: int) -> Batch:
        """What a webhook is to be told next; without alerts where nothing waits."""
        page = self._seen = _page(self._shelf.get(_NAME))
        place = page.place(webhook)
        begin = place.next - page.first
        alerts = page.alerts[begin : begin + most]
        return Batch(alerts, place.next + len(alerts), place.dropped - place.told)

    def sent(self, webhook: str, batch: Batch) -> None:
        """A webhook has taken these; what was dropped while they were under way was not sent in vain."""

        def taken(page: _Page) -> _Page:
            place = page.place(webhook)
            after = _Place(
                next=max(place.next, batch.end), sent=place.sent + len(batch.alerts), dropped=place.dropped,
                told=min(place.dropped, place.told + batch.untold),
            )  # fmt: skip
            return page.model_copy(update={"webhooks": {**page.webhooks, webhook: after}})

        self._change(taken)

    def state(self, webhook: str) -> WebhookState:
        """As this process has seen it last; it asks nobody."""
        page = self._seen
        place = page.place(webhook)
        return WebhookState(place.sent, place.dropped, page.end - place.next)

    def _change(self, step: Callable[[_Page], _Page]) -> None:
        while True:
            document = self._shelf.get(_NAME)
            before = _page(document)
            after = step(before).trimmed(self._most_waiting)
            version = None if document is None else document.version
            text = after.model_dump_json(exclude_defaults=True)
            if after == before or self._shelf.put(_NAME, text, version=version) is not None:
                break
        self._seen = after
        for key, place in after.webhooks.items():
            if dropped := place.dropped - before.place(key).dropped:
                log.warning("alerts to %s: %d dropped: too many wait", self._webhooks.get(key, key), dropped)


def _page(document: Document | None) -> _Page:
    """A document that cannot be read says nothing: it is begun anew, and what is lost then is said once more."""
    if document is None:
        return _Page()
    try:
        return _Page.model_validate_json(document.text)
    except ValidationError as error:
        log.warning("%s is begun anew, it cannot be read: %s", _NAME, str(error).splitlines()[0])
        return _Page()
