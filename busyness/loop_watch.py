"""Holds every camera against the loops beside it once a night, and tells when one of the two has changed for itself."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd
from prometheus_client import CollectorRegistry, Gauge
from pydantic import ValidationError

from aggregate.beside_answers import Agreement
from busyness.alerts import Alert, AlertKind
from core.config import Closed
from core.errors import BusynessError
from core.records import REASON_LENGTH
from core.shelf import Document, Shelf, change

if TYPE_CHECKING:
    from busyness.wiring import Installation

log = logging.getLogger(__name__)

LOOK_S = 30.0
STOP_S = 5.0
EVERY = timedelta(days=1)


_NAME = "drifts.json"


class _Drifts(Closed):
    """The document: the drifts that were told and are not over, by zone."""

    zones: dict[str, Alert]


class LoopWatch:
    """One thread. `checks` gives the rows of `BesideAnswers.checks`, `source_of` the source of a camera, `tell` takes
    what webhooks are to be told; `present` is the moment that answers call now.

    A drift is told once, and once more when it is over; on the `shelf` is what was told, for whoever looks next.
    """

    def __init__(
        self,
        checks: Callable[[], pd.DataFrame],
        present: Callable[[], datetime],
        registry: CollectorRegistry,
        *,
        source_of: Callable[[str], str | None],
        tell: Callable[[Sequence[Alert]], None],
        shelf: Shelf,
    ) -> None:
        self._checks = checks
        self._present = present
        self._source_of = source_of
        self._tell = tell
        self._shelf = shelf
        self._looked: datetime | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="loop-checks", daemon=True)
        self._zones = Gauge(
            "busyness_loop_checks", "Zones with loops beside them, by what the two say of each other", ("state",),
            registry=registry,
        )  # fmt: skip

    def start(self) -> None:
        """Look from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(STOP_S)

    def look(self) -> list[Alert]:
        """Check every pair now; returns what has been told."""
        now, rows = self._present(), self._checks().to_dict("records")
        for state in Agreement:
            self._zones.labels(state.value).set(sum(row["state"] == state.value for row in rows))
        drifting = {str(row["zone"]): row for row in rows if row["state"] == Agreement.DRIFTING.value}
        before = _drifts(self._shelf.get(_NAME))
        after = before | {
            zone: self._alert(AlertKind.CAMERA_DRIFTS, row, now) for zone, row in drifting.items() if zone not in before
        }
        told = [after[zone] for zone in after if zone not in before]
        agreeing = {str(row["zone"]) for row in rows if row["state"] == Agreement.AGREES.value}
        for zone in sorted(agreeing & after.keys()):
            over = after.pop(zone)
            told.append(over.model_copy(update={"kind": AlertKind.CAMERA_AGREES, "at": now, "until": now}))
        if told:
            for alert in told:
                log.warning("%s", alert.text)
            self._tell(told)  # first: rather twice than never
            change(self._shelf, _NAME, lambda _: _Drifts(zones=after).model_dump_json())
        return told

    def _alert(self, kind: AlertKind, row: Mapping[Hashable, Any], now: datetime) -> Alert:
        camera = str(row["camera"])
        return Alert(
            kind=kind, at=now, source=self._source_of(camera) or "unknown", camera=camera,
            since=pd.Timestamp(str(row["drift_since"])).to_pydatetime(), reason=str(row["reason"])[:REASON_LENGTH],
        )  # fmt: skip

    def look_when_due(self) -> None:
        """Check them where a day has passed since; what goes wrong is said in the log."""
        now = self._present()
        if self._looked is not None and now < self._looked + EVERY:
            return
        self._looked = now
        try:
            self.look()
        except BusynessError as error:
            if not self._stopping.is_set():  # the store may be closed meanwhile
                log.error("cameras could not be held against their loops: %s", error)
        except Exception:  # a mistake of ours must not end it for good
            log.exception("cameras could not be held against their loops")

    def _run(self) -> None:
        while not self._stopping.wait(LOOK_S):
            self.look_when_due()


def _drifts(document: Document | None) -> dict[str, Alert]:
    """A document that cannot be read says nothing: what lasts is told once more."""
    try:
        return {} if document is None else dict(_Drifts.model_validate_json(document.text).zones)
    except ValidationError as error:
        log.warning("%s is begun anew, it cannot be read: %s", _NAME, str(error).splitlines()[0])
        return {}


@contextmanager
def watching_loops(installation: Installation) -> Iterator[None]:
    """Within it cameras are held against their loops, where the configuration has any."""
    if not installation.config.loops:
        yield
        return

    def tell(alerts: Sequence[Alert]) -> None:
        if installation.alarm is not None:  # the one of then: a changed configuration has another
            installation.alarm.tell(alerts)

    answers = installation.answers
    watch = LoopWatch(
        answers.beside.checks, answers.present, installation.registry, source_of=installation.source_of, tell=tell,
        shelf=installation.alerts,
    )  # fmt: skip
    watch.start()
    try:
        yield
    finally:
        watch.stop()
