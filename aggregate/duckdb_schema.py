"""The tables of the DuckDB store. A change here is a new `SCHEMA_VERSION` and a step that migrates the last one.

Times are TIMESTAMP in UTC: DuckDB's TIMESTAMP WITH TIME ZONE would add nothing but a session setting that shifts
what a reader sees. Figures are structs with a field per series, which DuckDB stores and reads as separate columns
(`SELECT mean.people FROM readings`).

Readings have a table for each width of window: an answer reads one width, and of a year of a city there are a hundred
quarters to every day.

Observations, readings, health events, loop readings and baselines have no index on purpose. Their keys (id; zone,
start, revision; camera, since; counter, series, start, end; reference, zone, series, until) are kept unique by the only
writer, inside the transaction that writes them, within the range of time that it touches; rows arrive roughly in event
time, so the engine's min/max per row group narrows every look-up to a few row groups. A primary key would hold every
key of every camera and year in memory for the same answer. What is asked of every camera at once and all the time (its
newest clip, count and content) is kept beside them in small tables.
"""

from __future__ import annotations

from core.figures import SERIES, Gains
from core.ground import ObservedGround
from core.records import Window

SCHEMA_VERSION = 6

_FIGURES = "STRUCT(" + ", ".join(f"{name} DOUBLE" for name in SERIES) + ")"
_GAINS = "STRUCT(" + ", ".join(f"{name} DOUBLE" for name in Gains.model_fields) + ")"
_GROUND = (
    "STRUCT(" + ", ".join(f"{n} {'VARCHAR' if n == 'plane' else 'DOUBLE'}" for n in ObservedGround.model_fields) + ")"
)

_NEWEST_CLIPS = """
CREATE TABLE newest_clips (                 -- of each camera, so that nobody has to search it
    camera VARCHAR PRIMARY KEY,
    event_time TIMESTAMP NOT NULL,
    counted_at TIMESTAMP NOT NULL,          -- of the zones and models that share the clip, the newest count speaks
    id VARCHAR NOT NULL,                    -- ties go to the larger
    status VARCHAR NOT NULL,
    reason VARCHAR,
    last_counted TIMESTAMP,                 -- event time of the newest clip with status ok
    content VARCHAR,                        -- of the newest clip whose content is known
    content_time TIMESTAMP,
    content_counted_at TIMESTAMP
);
"""

_HEALTH_AND_LOOPS = """
CREATE TABLE health (
    camera VARCHAR NOT NULL,
    since TIMESTAMP NOT NULL,
    state VARCHAR NOT NULL,                 -- core.health.CameraState
    reason VARCHAR
);

CREATE TABLE states (                       -- how each camera is by its newest event, so that nobody has to search it
    camera VARCHAR PRIMARY KEY,
    since TIMESTAMP NOT NULL,               -- its first event of this state after the last of another
    newest TIMESTAMP NOT NULL,
    state VARCHAR NOT NULL,
    reason VARCHAR
);

CREATE TABLE counters (
    id VARCHAR PRIMARY KEY,
    config VARCHAR NOT NULL                 -- core.loops.LoopCounter as JSON
);

CREATE TABLE loops (
    counter VARCHAR NOT NULL,
    series VARCHAR NOT NULL,
    starts TIMESTAMP NOT NULL,
    ends TIMESTAMP NOT NULL,
    flow DOUBLE,
    occupancy DOUBLE,
    reason VARCHAR
);
"""


def readings_table(window: str) -> str:
    """The table of the readings of one width (`core.records.Window`)."""
    return f"readings_{Window(window).value}"


_READINGS = "".join(
    f"""
CREATE TABLE {readings_table(window)} (
    zone VARCHAR NOT NULL,
    camera VARCHAR NOT NULL,
    starts TIMESTAMP NOT NULL,
    ends TIMESTAMP NOT NULL,
    mean {_FIGURES} NOT NULL,
    low {_FIGURES} NOT NULL,
    high {_FIGURES} NOT NULL,
    peak {_FIGURES} NOT NULL,
    stationary_share {_FIGURES} NOT NULL,
    area_m2 DOUBLE,                         -- the ground: of the window, whatever was counted on it
    calibration_error DOUBLE,
    vehicles_m2 DOUBLE,
    crowded_share DOUBLE,
    coverage DOUBLE NOT NULL,
    clips_counted BIGINT NOT NULL,
    clips_expected BIGINT NOT NULL,
    state VARCHAR NOT NULL,
    reason VARCHAR,
    revision BIGINT NOT NULL,
    derived_at TIMESTAMP NOT NULL,
    superseded BOOLEAN NOT NULL             -- a later revision exists
);
"""
    for window in Window
)

_APART = "".join(
    f"INSERT INTO {readings_table(one)} BY NAME SELECT * EXCLUDE (width) FROM readings WHERE width = '{one}';\n"  # noqa: S608 - every word of it is ours
    for one in Window
)

_BASELINES = """
CREATE TABLE baselines (                    -- aggregate.usual.baselines.BaselineTable
    model VARCHAR NOT NULL,
    reference VARCHAR NOT NULL,
    zone VARCHAR NOT NULL,
    series VARCHAR NOT NULL,
    since TIMESTAMP NOT NULL,
    until TIMESTAMP NOT NULL,
    built_at TIMESTAMP NOT NULL,
    weeks DOUBLE,
    state VARCHAR NOT NULL,
    reason VARCHAR,
    parameters FLOAT[]                      -- null where none is known
);

CREATE TABLE baselines_version (version BIGINT NOT NULL);
INSERT INTO baselines_version VALUES (0);
"""

_DAYS_SO_FAR = """
CREATE TABLE days_so_far (                  -- aggregate.day_so_far.DaysSoFar: not needed, but quicker
    zone VARCHAR NOT NULL,
    camera VARCHAR NOT NULL,
    starts TIMESTAMP NOT NULL,
    through TIMESTAMP NOT NULL,
    moments BIGINT[] NOT NULL
);
"""

TABLES = f"""
CREATE TABLE schema_version (version INTEGER NOT NULL);
INSERT INTO schema_version VALUES ({SCHEMA_VERSION});

CREATE TABLE cameras (
    id VARCHAR PRIMARY KEY,                 -- those of now: one that is no longer configured has no row
    config VARCHAR NOT NULL                 -- core.records.Camera as JSON, with its zones
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
    shared {_GAINS},                        -- core.figures.Shares; null: all of the error may be shared
    calibration VARCHAR,
    ground {_GROUND},                       -- null where the camera was not calibrated
    view_epoch BIGINT NOT NULL,
    content VARCHAR,                        -- half of the SHA-256 of the clip's bytes
    model VARCHAR NOT NULL,
    counted_at TIMESTAMP NOT NULL
);
{_NEWEST_CLIPS}{_HEALTH_AND_LOOPS}{_READINGS}{_BASELINES}{_DAYS_SO_FAR}"""  # noqa: S608 - every word of it is ours

MIGRATIONS = {
    # Observations carry the error of their counter; of those that were stored before, it is not known.
    1: f"""
ALTER TABLE observations ADD COLUMN low {_FIGURES};
ALTER TABLE observations ADD COLUMN high {_FIGURES};
ALTER TABLE observations ADD COLUMN lighting VARCHAR;
ALTER TABLE observations ADD COLUMN gain {_GAINS};
ALTER TABLE observations ADD COLUMN calibration VARCHAR;
""",
    # Observations know their clip by its bytes; how cameras are, and what loops counted, is kept.
    2: f"""
ALTER TABLE observations ADD COLUMN content VARCHAR;
{_NEWEST_CLIPS}
INSERT INTO newest_clips BY NAME
SELECT o.camera, o.event_time, o.counted_at, o.id, o.status, o.reason, c.last_counted
FROM observations o JOIN watermarks w ON o.camera = w.camera AND o.event_time = w.newest
LEFT JOIN (
    SELECT camera, max(event_time) AS last_counted FROM observations WHERE status = 'ok' GROUP BY camera
) c ON o.camera = c.camera
QUALIFY row_number() OVER (PARTITION BY o.camera ORDER BY o.counted_at DESC, o.id DESC) = 1;
DROP TABLE watermarks;
{_HEALTH_AND_LOOPS}""",  # noqa: S608 - every word of it is ours
    # Observations and readings know the ground of their zone; of what was counted before, it is not known.
    3: f"""
ALTER TABLE observations ADD COLUMN ground {_GROUND};
ALTER TABLE observations ADD COLUMN shared {_GAINS};
ALTER TABLE readings ADD COLUMN area_m2 DOUBLE;
ALTER TABLE readings ADD COLUMN calibration_error DOUBLE;
ALTER TABLE readings ADD COLUMN vehicles_m2 DOUBLE;
ALTER TABLE readings ADD COLUMN crowded_share DOUBLE;
""",
    # Readings of one width are kept apart from those of the others; what is usual is kept.
    4: f"{_READINGS}{_APART}DROP TABLE readings;\n{_BASELINES}",
    # What a day adds up to before the hour that goes on is noted, from its next clip on.
    5: _DAYS_SO_FAR,
}
"""From each older version to the next; what is stored stays as it is."""
