"""What is usual, as it was fitted, in the DuckDB store."""

# ruff: noqa: S608 - every word of the SQL is written here; what comes from outside is a bound parameter

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa

from aggregate.duckdb_columns import naive, numbers_from, text_from, times_from
from aggregate.duckdb_engine import Engine
from aggregate.usual.baselines import BaselineTable

_TIME = pa.timestamp("us")
_ONE_ROW = pa.table({"row": [0]})


def save_baselines(engine: Engine, baselines: BaselineTable) -> None:
    """See `Store.save_baselines`."""
    if len(baselines) == 0:
        return
    rows = _rows(baselines)
    within = {
        "reference": baselines.reference,
        "first": baselines.until.min().item(),
        "last": baselines.until.max().item(),
    }
    with engine.transaction():
        engine.write(
            "DELETE FROM baselines o USING batch b WHERE o.until BETWEEN $first AND $last AND o.reference = $reference "
            "AND o.until = b.until AND o.zone = b.zone AND o.series = b.series",
            within,
            batch=rows,
        )
        engine.write("INSERT INTO baselines BY NAME SELECT * FROM batch", batch=rows)
        engine.write("UPDATE baselines_version SET version = version + 1", batch=_ONE_ROW)


def baselines_version(engine: Engine) -> int:
    """See `Store.baselines_version`."""
    version: int = engine.read("SELECT version FROM baselines_version")["version"][0].as_py()
    return version


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
    wanted: dict[str, Any] = {"reference": reference}
    chosen = "reference = $reference"
    for column, names in (("zone", zones), ("series", series)):
        if names is not None:
            wanted[column] = list(names)
            chosen += f" AND {column} IN (SELECT unnest(${column}::VARCHAR[]))"
    last = "max(until)"
    if at is not None:
        wanted["at"] = naive(at)
        last = "coalesce(max(until) FILTER (until <= $at), min(until))"
    first = last
    if since is not None:
        wanted["since"] = naive(since)
        first = "coalesce(max(until) FILTER (until <= $since), min(until))"
    # The keys are found first: the parameters of those that are not in force need not be read.
    rows = engine.read(
        f"""
        WITH newest AS (
            SELECT max_by(model, built_at) AS model FROM baselines WHERE reference = $reference
        ), in_force AS (
            SELECT zone, series, {first} AS first, {last} AS last FROM baselines JOIN newest USING (model)
            WHERE {chosen} GROUP BY zone, series
        )
        SELECT b.* FROM baselines b JOIN newest USING (model)
        JOIN in_force f ON b.zone = f.zone AND b.series = f.series AND b.until BETWEEN f.first AND f.last
        WHERE b.reference = $reference ORDER BY b.zone, b.series, b.until
        """,
        wanted,
    )
    return _from(rows, reference)


def _rows(baselines: BaselineTable) -> pa.Table:
    known = ~np.isnan(baselines.parameters).all(axis=1)
    width = baselines.parameters.shape[1]
    # A null list has a length too: that of its place in the offsets, none.
    offsets = np.concatenate([[0], np.cumsum(known * width)]).astype(np.int32)
    parameters = pa.ListArray.from_arrays(
        pa.array(offsets), pa.array(baselines.parameters[known].reshape(-1)), mask=pa.array(~known)
    )
    same = {"model": baselines.model, "reference": baselines.reference}
    return pa.table(
        {
            **{name: pa.array([value] * len(baselines), pa.string()) for name, value in same.items()},
            **{name: pa.array(getattr(baselines, name), pa.string()) for name in ("zone", "series", "state", "reason")},
            **{name: pa.array(getattr(baselines, name), _TIME) for name in ("since", "until", "built_at")},
            "weeks": pa.array(baselines.weeks, from_pandas=True),
            "parameters": parameters,
        }
    )


def _from(rows: pa.Table, reference: str) -> BaselineTable:
    lists = rows["parameters"].combine_chunks()
    known = lists.is_valid().to_numpy(zero_copy_only=False)
    values = lists.flatten().to_numpy(zero_copy_only=False)
    width = len(values) // max(1, int(known.sum()))
    parameters = np.full((len(rows), width), np.nan, dtype=np.float32)
    parameters[known] = values.reshape(int(known.sum()), width)
    return BaselineTable(
        model=rows["model"][0].as_py() if len(rows) else "",
        reference=reference,
        zone=text_from(rows, "zone"),
        series=text_from(rows, "series"),
        since=times_from(rows, "since"),
        until=times_from(rows, "until"),
        built_at=times_from(rows, "built_at"),
        weeks=numbers_from(rows, "weeks"),
        state=text_from(rows, "state"),
        reason=text_from(rows, "reason"),
        parameters=parameters,
    )
