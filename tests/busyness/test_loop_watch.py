"""A camera that no longer counts as its loops do is told once, and once more when it does again."""

from __future__ import annotations

from datetime import timedelta

from paired_street import END, filled
from prometheus_client import CollectorRegistry

from aggregate.beside_answers import BesideAnswers
from busyness.alerts import AlertKind
from busyness.loop_watch import LoopWatch
from core.shelf_memory import MemoryShelf


def watch_of(stores, told, registry, shelf=None):
    """A watch over several stores, one after the other: what is stored changes between its looks."""
    answers = iter([BesideAnswers(store, lambda: END) for store in stores])
    return LoopWatch(
        lambda: next(answers).checks(), lambda: END, registry, source_of=lambda _: "tfl", tell=told.append,
        shelf=shelf or MemoryShelf(),
    )  # fmt: skip


def test_a_drift_is_told_once_and_its_end_once():
    drifting, mended = filled(drifts_from=42), filled()
    told, registry = [], CollectorRegistry()
    watch = watch_of([drifting, drifting, mended, mended], told, registry)
    (alert,) = watch.look()
    assert alert.kind is AlertKind.CAMERA_DRIFTS
    assert (alert.camera, alert.source) == ("c", "tfl")
    assert abs(alert.since - (END - timedelta(days=14))) <= timedelta(days=2)
    assert "fewer vehicles to one that passes the loop than before" in alert.text
    assert registry.get_sample_value("busyness_loop_checks", {"state": "drifting"}) == 1
    assert watch.look() == []
    (over,) = watch.look()
    assert (over.kind, over.until) == (AlertKind.CAMERA_AGREES, END)
    assert watch.look() == []
    assert told == [[alert], [over]]
    assert registry.get_sample_value("busyness_loop_checks", {"state": "agrees"}) == 1


def test_after_a_restart_a_drift_is_not_told_again_and_its_end_is():
    drifting, mended, shelf, told = filled(drifts_from=42), filled(), MemoryShelf(), []
    watch_of([drifting], told, CollectorRegistry(), shelf).look()
    after = watch_of([drifting, mended], told, CollectorRegistry(), shelf)
    assert after.look() == []
    (over,) = after.look()
    assert (over.kind, over.since) == (AlertKind.CAMERA_AGREES, told[0][0].since)
