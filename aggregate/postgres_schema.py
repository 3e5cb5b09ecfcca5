"""The tables of the PostgreSQL store. A change here is a new `SCHEMA_VERSION` and a step that migrates the last one.

Figures are `float8[]` with an element per series, in the order of `core.figures.SERIES` (people is the eighth):
`SELECT mean[8] FROM readings_15m`. An array is null where nothing was counted; an element that is not known (what stood
still among none) is NaN. Times are kept in UTC; texts are ordered by their bytes, as they are everywhere else.

What grows (`PARTED`) is kept by the month, by the time in its key: `observations_2017_03`. A month is made when
something of it is stored, and let go of whole. Where TimescaleDB is, these are hypertables.

There are two indexes to a table: its key begins with the zone and goes on with the time, which is how windows are
derived, and one of block ranges (BRIN) says where a time is, for rows come roughly in their order. It costs next to
nothing, as a third tree would not; of loops, which are few beside the rest, it is a tree, for every answer asks when
the first begins and the newest. The id of an observation is a hash of the rest of its key, so the key keeps ids
unique too. What is asked of every camera at once and all the time (its newest clip, count and content) is kept beside
them, a row a camera, and whoever writes of a camera holds that row: see `aggregate/postgres_newest.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

from aggregate.postgres_shelf import TABLE as SHELVES
from core.records import Window

SCHEMA_VERSION = 2


def readings_table(window: str) -> str:
    """The table of the readings of one width (`core.records.Window`)."""
    return f"readings_{Window(window).value}"


@dataclass(frozen=True)
class Parted:
    """A table that is kept by the month of the column `time`.

    `fill` is how full its pages are written, in percent: a row that is written again and again (the day that goes on)
    stays on its page, and its indexes as they are, where there is room for its next version.
    """

    name: str
    time: str
    fill: int = 100


_FILL = {Window.QUARTER: 70, Window.HOUR: 50, Window.DAY: 50}

OBSERVATIONS = Parted("observations", "event_time")
READINGS = {window: Parted(readings_table(window), "starts", _FILL.get(window, 100)) for window in Window}
LOOPS = Parted("loops", "starts")
PARTED = (OBSERVATIONS, *READINGS.values(), LOOPS)
"""The tables that grow."""

_TEXT = 'text COLLATE "C"'

_READINGS = "".join(
    f"""
CREATE TABLE {table.name} (
    zone {_TEXT} NOT NULL,
    camera {_TEXT} NOT NULL,
    starts timestamptz NOT NULL,
    ends timestamptz NOT NULL,
    mean float8[],                          -- this and the next four null where the reading is missing
    low float8[],
    high float8[],
    peak float8[],
    stationary_share float8[],
    area_m2 float8,                         -- the ground: of the window, whatever was counted on it
    calibration_error float8,
    vehicles_m2 float8,
    crowded_share float8,
    coverage float8 NOT NULL,
    clips_counted bigint NOT NULL,
    clips_expected bigint NOT NULL,
    state {_TEXT} NOT NULL,
    reason {_TEXT},
    revision bigint NOT NULL,
    derived_at timestamptz NOT NULL,
    superseded boolean NOT NULL,            -- a later revision exists
    PRIMARY KEY (zone, starts, revision)
) %(by_starts)s;
CREATE INDEX ON {table.name} USING brin (starts) WITH (pages_per_range = 32, autosummarize = on);
"""
    for table in READINGS.values()
)

_DAYS_SO_FAR = f"""
CREATE TABLE days_so_far (                  -- aggregate.day_so_far.DaysSoFar: not needed, but quicker
    zone {_TEXT} PRIMARY KEY,
    camera {_TEXT} NOT NULL,
    starts timestamptz NOT NULL,
    through timestamptz NOT NULL,
    moments bigint[] NOT NULL
);
"""

TABLES = f"""
CREATE TABLE schema_versions (              -- the newest row is that of now
    version integer PRIMARY KEY,
    parts text NOT NULL,                    -- months, or hypertables
    since timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE versions (                     -- what others keep a copy of, and whether it is still good
    what text PRIMARY KEY,
    version bigint NOT NULL
);
INSERT INTO versions VALUES ('cameras', 0), ('baselines', 0);

CREATE TABLE cameras (
    id {_TEXT} PRIMARY KEY,                 -- those of now: one that is no longer configured has no row
    config {_TEXT} NOT NULL                 -- core.records.Camera as JSON, with its zones
);

CREATE TABLE observations (
    id uuid NOT NULL,
    camera {_TEXT} NOT NULL,
    zone {_TEXT} NOT NULL,
    event_time timestamptz NOT NULL,
    duration_s float8 NOT NULL,
    status {_TEXT} NOT NULL,
    reason {_TEXT},
    frames bigint NOT NULL,
    present float8[],
    peak float8[],
    spread float8[],
    stationary float8[],
    low float8[],
    high float8[],
    lighting {_TEXT},
    gain_people float8,
    gain_vehicles float8,
    shared_by_people float8,                -- core.figures.Shares; null: all of the error may be shared
    shared_by_vehicles float8,
    calibration {_TEXT},
    plane {_TEXT},                          -- core.ground.ObservedGround; null where the camera was not calibrated
    area_m2 float8,
    area_error float8,
    crowded_share float8,
    view_epoch bigint NOT NULL,
    content uuid,                           -- half of the SHA-256 of the clip's bytes
    model {_TEXT} NOT NULL,
    counted_at timestamptz NOT NULL,
    PRIMARY KEY (zone, event_time, id)
) %(by_event_time)s;
CREATE INDEX ON observations USING brin (event_time) WITH (pages_per_range = 32, autosummarize = on);

CREATE TABLE newest_clips (                 -- of each camera, so that nobody has to search it
    camera {_TEXT} PRIMARY KEY,
    first_time timestamptz,                 -- event time of its oldest clip; null: none is stored (yet, or any more)
    event_time timestamptz,
    counted_at timestamptz,                 -- of the zones and models that share the clip, the newest count speaks
    id uuid,                                -- ties go to the larger
    status {_TEXT},
    reason {_TEXT},
    last_counted timestamptz,               -- event time of the newest clip with status ok
    content uuid,                           -- of the newest clip whose content is known
    content_time timestamptz,
    content_counted_at timestamptz
) WITH (fillfactor = 50);

CREATE TABLE health (
    camera {_TEXT} NOT NULL,
    since timestamptz NOT NULL,
    state {_TEXT} NOT NULL,                 -- core.health.CameraState
    reason {_TEXT},
    PRIMARY KEY (camera, since)
);

CREATE TABLE states (                       -- how each camera is by its newest event, so that nobody has to search it
    camera {_TEXT} PRIMARY KEY,
    since timestamptz NOT NULL,             -- its first event of this state after the last of another
    newest timestamptz NOT NULL,
    state {_TEXT} NOT NULL,
    reason {_TEXT}
) WITH (fillfactor = 50);

CREATE TABLE counters (
    id {_TEXT} PRIMARY KEY,
    config {_TEXT} NOT NULL                 -- core.loops.LoopCounter as JSON
);

CREATE TABLE loops (
    counter {_TEXT} NOT NULL,
    series {_TEXT} NOT NULL,
    starts timestamptz NOT NULL,
    ends timestamptz NOT NULL,
    flow float8,
    occupancy float8,
    reason {_TEXT},
    PRIMARY KEY (counter, series, starts, ends)
) %(by_starts)s;
CREATE INDEX ON loops (starts);

CREATE TABLE baselines (                    -- aggregate.usual.baselines.BaselineTable
    model {_TEXT} NOT NULL,
    reference {_TEXT} NOT NULL,
    zone {_TEXT} NOT NULL,
    series {_TEXT} NOT NULL,
    since timestamptz NOT NULL,
    until timestamptz NOT NULL,
    built_at timestamptz NOT NULL,
    weeks float8,
    state {_TEXT} NOT NULL,
    reason {_TEXT},
    parameters real[],                      -- null where none is known
    PRIMARY KEY (reference, zone, series, until)
);
{_READINGS}{SHELVES}{_DAYS_SO_FAR}
"""  # noqa: S608 - every word of it is ours
"""`%(by_TIME)s` says how a table is parted by that column."""

MIGRATIONS: dict[int, str] = {
    # What a day adds up to before the hour that goes on is noted, from its next clip on.
    1: _DAYS_SO_FAR,
}
"""From each older version to the next; what is stored stays as it is."""
