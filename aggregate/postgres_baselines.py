"""What is usual, as it was fitted, in the PostgreSQL store."""

# ruff: noqa: S608 - every word of the SQL is written here; what comes from outside is a bound parameter

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np

from aggregate.postgres_binary import Column, Fixed, Kind, Words, lists, numbers
from aggregate.postgres_engine import Engine
from aggregate.postgres_found import Field, Layout
from aggregate.postgres_versions import BASELINES, changed
from aggregate.usual.baselines import BaselineTable

_NAMES = "model, reference, zone, series, since, until, built_at, weeks, state, reason, parameters"


def save_baselines(engine: Engine, baselines: BaselineTable) -> None:
    """See `Store.save_baselines`."""
    if len(baselines) == 0:
        return
    with engine.transaction():
        changed(engine, BASELINES)
        engine.write("CREATE TEMP TABLE IF NOT EXISTS new_baselines (LIKE baselines) ON COMMIT DELETE ROWS")
        engine.put("pg_temp.new_baselines", _columns(baselines))
        engine.write(
            "DELETE FROM baselines o USING pg_temp.new_baselines b WHERE o.reference = b.reference "
            "AND o.zone = b.zone AND o.series = b.series AND o.until = b.until"
        )
        engine.write(f"INSERT INTO baselines ({_NAMES}) SELECT {_NAMES} FROM pg_temp.new_baselines")
        engine.write("DELETE FROM pg_temp.new_baselines")


def baselines_in_force(
    engine: Engine,
    reference: str,
    *,
    at: datetime | None,
    since: datetime | None,
    zones: Sequence[str] | None,
    series: Sequence[str] | None,
) -> BaselineTable:
    """See `Store.baselines`."""
    asked: dict[str, object] = {"reference": reference, "at": at, "since": since}
    ((model, width),) = engine.select(
        "SELECT n.model, (SELECT coalesce(max(cardinality(parameters)), 0) FROM baselines b "
        "WHERE b.reference = %(reference)s AND b.model = n.model) FROM ("
        "SELECT (array_agg(model ORDER BY built_at DESC))[1] AS model FROM baselines WHERE reference = %(reference)s"
        ") n",
        asked,
    )
    asked["model"] = model
    chosen = "reference = %(reference)s AND model = %(model)s"
    for column, names in (("zone", zones), ("series", series)):
        if names is not None:
            asked[column] = list(names)
            chosen += f" AND {column} = ANY(%({column})s)"
    last = _newest_until("at") if at is not None else "max(until)"
    first = last if since is None else _newest_until("since")
    found = engine.find(
        _layout(width),
        f"""
        FROM baselines b JOIN (
            SELECT zone, series, {first} AS first, {last} AS last FROM baselines WHERE {chosen} GROUP BY zone, series
        ) f ON b.zone = f.zone AND b.series = f.series AND b.until BETWEEN f.first AND f.last
        WHERE b.reference = %(reference)s AND b.model = %(model)s ORDER BY b.zone, b.series, b.until
        """,
        asked,
    )
    columns: dict[str, Any] = {**found.words, **{name: found.times(name) for name in ("since", "until", "built_at")}}
    return BaselineTable(
        model=model if len(found) else "",
        reference=reference,
        **columns,
        weeks=found.numbers("weeks"),
        parameters=found.lists("parameters").astype(np.float32) if width else np.empty((len(found), 0), np.float32),
    )


def _newest_until(name: str) -> str:
    return f"coalesce(max(until) FILTER (WHERE until <= %({name})s), min(until))"


def _layout(width: int) -> Layout:
    """For baselines called `b`, of so many parameters; none where nothing is known of any of them."""
    return Layout(
        (
            *(Field(name, f"b.{name}", Kind.TIME) for name in ("since", "until", "built_at")),
            Field.figure("weeks", "b.weeks"),
            *([Field.figures("parameters", "b.parameters", width, Kind.REAL)] if width else ()),
        ),
        {name: f"b.{name}" for name in ("zone", "series", "state", "reason")},
    )


def _columns(baselines: BaselineTable) -> list[Column]:
    same = {"model": baselines.model, "reference": baselines.reference}
    return [
        *(Fixed(name, Kind.TIME, getattr(baselines, name)) for name in ("since", "until", "built_at")),
        numbers("weeks", baselines.weeks),
        lists("parameters", baselines.parameters),
        *(Words(name, [value] * len(baselines)) for name, value in same.items()),
        *(Words(name, getattr(baselines, name)) for name in ("zone", "series", "state", "reason")),
    ]
