"""The tables of the DuckDB store. A change here is a new `SCHEMA_VERSION` and a step that migrates the last one.

Times are TIMESTAMP in UTC: DuckDB's TIMESTAMP WITH TIME ZONE would add nothing but a session setting that shifts
what a reader sees. Figures are structs with a field per series, which DuckDB stores and reads as separate columns
(`SELECT mean.people FROM readings`).

Observations and readings have no index on purpose. Their keys (id; zone, width, start, revision) are kept unique by
the only writer, inside the transaction that writes them, within the range of event time that it touches; rows arrive
roughly in event time, so the engine's min/max per row group narrows every look-up to a few row groups. A primary key
would hold every key of every camera and year in memory for the same answer.
"""

from __future__ import annotations

from core.records import SERIES, Gains

SCHEMA_VERSION = 2

_FIGURES = "STRUCT(" + ", ".join(f"{name} DOUBLE" for name in SERIES) + ")"
_GAINS = "STRUCT(" + ", ".join(f"{name} DOUBLE" for name in Gains.model_fields) + ")"

TABLES = f"""
CREATE TABLE schema_version (version INTEGER NOT NULL);
INSERT INTO schema_version VALUES ({SCHEMA_VERSION});

CREATE TABLE cameras (
    id VARCHAR PRIMARY KEY,                 -- those of now: one that is no longer configured has no row
    config VARCHAR NOT NULL                 -- core.records.Camera as JSON, with its zones
);

CREATE TABLE watermarks (                   -- newest event time stored of each camera, so nobody has to search it
    camera VARCHAR PRIMARY KEY,
    newest TIMESTAMP NOT NULL
);

CREATE TABLE observations (
    id VARCHAR NOT NULL,
    camera VARCHAR NOT NULL,
    zone VARCHAR NOT NULL,
    event_time TIMESTAMP NOT NULL,
    duration_s DOUBLE NOT NULL,
    status VARCHAR NOT NULL,
    reason VARCHAR,
    frames BIGINT NOT NULL,
    present {_FIGURES},
    peak {_FIGURES},
    spread {_FIGURES},
    stationary {_FIGURES},
    low {_FIGURES},
    high {_FIGURES},
    lighting VARCHAR,
    gain {_GAINS},
    calibration VARCHAR,
    view_epoch BIGINT NOT NULL,
    model VARCHAR NOT NULL,
    counted_at TIMESTAMP NOT NULL
);

CREATE TABLE readings (
    zone VARCHAR NOT NULL,
    camera VARCHAR NOT NULL,
    width VARCHAR NOT NULL,                 -- core.records.Window
    starts TIMESTAMP NOT NULL,
    ends TIMESTAMP NOT NULL,
    mean {_FIGURES} NOT NULL,
    low {_FIGURES} NOT NULL,
    high {_FIGURES} NOT NULL,
    peak {_FIGURES} NOT NULL,
    stationary_share {_FIGURES} NOT NULL,
    coverage DOUBLE NOT NULL,
    clips_counted BIGINT NOT NULL,
    clips_expected BIGINT NOT NULL,
    state VARCHAR NOT NULL,
    reason VARCHAR,
    revision BIGINT NOT NULL,
    derived_at TIMESTAMP NOT NULL,
    superseded BOOLEAN NOT NULL             -- a later revision exists
);
"""  # noqa: S608 - every word of it is ours

MIGRATIONS = {
    # Observations carry the error of their counter; of those that were stored before, it is not known.
    1: f"""
ALTER TABLE observations ADD COLUMN low {_FIGURES};
ALTER TABLE observations ADD COLUMN high {_FIGURES};
ALTER TABLE observations ADD COLUMN lighting VARCHAR;
ALTER TABLE observations ADD COLUMN gain {_GAINS};
ALTER TABLE observations ADD COLUMN calibration VARCHAR;
""",
}
"""From each older version to the next; what is stored stays as it is."""
