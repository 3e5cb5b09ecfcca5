import assert from "node:assert/strict";
import { test } from "node:test";

import {
  type Filter,
  byTrouble,
  filters,
  hourMarks,
  lasted,
  moment,
  outages,
  passes,
  stripLabel,
  uptime,
  uptimeLabel,
} from "../src/health.ts";
import type { CameraState, Health, Stretch } from "../src/types.ts";

const LONDON = "Europe/London";
const EIGHT = Date.parse("2017-03-09T08:00:00Z");

function camera(name: string, state: CameraState | null, since: string | null = null): Health {
  return { id: name, name, state, since, reason: null, last_event_time: null, age_s: null, last_counted: null };
}

function stretch(state: CameraState, from: number, to: number): Stretch {
  const [start, end] = [from, to].map((hour) => new Date(EIGHT + hour * 3_600_000).toISOString()) as [string, string];
  return { camera: "a", state, start, end, duration_s: (to - from) * 3_600, reason: null };
}

const CITY = [
  camera("10 High St", "live", "2017-03-09T09:00:00Z"),
  camera("9 High St", "live", "2017-03-09T07:00:00Z"),
  camera("Quay", null),
  camera("Bridge", "withdrawn", "2017-01-01T00:00:00Z"),
  camera("Park", "waiting", "2017-03-09T07:00:00Z"),
  camera("Tower", "unreachable", "2017-03-09T08:00:00Z"),
];

test("what broke last is at the top, what is not known in the middle, the live ones last by name", () => {
  const order = CITY.toSorted(byTrouble).map(({ name }) => name);
  assert.deepEqual(order, ["Tower", "Bridge", "Park", "Quay", "9 High St", "10 High St"]);
});

test("the filters offered say how many cameras they show, and none is offered that shows none", () => {
  assert.deepEqual(filters(CITY), [
    ["all", 6],
    ["trouble", 2],
    ["unreachable", 1],
    ["withdrawn", 1],
    ["waiting", 1],
    ["unknown", 1],
    ["live", 2],
  ]);
  assert.deepEqual(filters([]), [
    ["all", 0],
    ["trouble", 0],
  ]);
});

test("trouble is every state but live, and what is not known is none", () => {
  const shown = (filter: Filter): boolean[] =>
    (["live", "waiting", "unknown", "stale", "withdrawn"] as const).map((state) => passes(filter, state));
  assert.deepEqual(shown("trouble"), [false, false, false, true, true]);
  assert.deepEqual(shown("stale"), [false, false, false, true, false]);
  assert.deepEqual(shown("all"), [true, true, true, true, true]);
});

test("how long is told to what matters", () => {
  const seconds = [-3, 45, 60, 59 * 60 + 59, 3_900, 47 * 3_600, 52 * 3_600];
  assert.deepEqual(seconds.map(lasted), ["0 s", "45 s", "1 min", "59 min", "1 h 05 min", "47 h 00 min", "2 d 4 h"]);
});

test("a moment of another day says which", () => {
  assert.equal(moment(EIGHT, EIGHT + 1, LONDON), "08:00 GMT");
  assert.equal(moment(EIGHT, EIGHT + 86_400_000, LONDON), "Thu 9 Mar 2017, 08:00 GMT");
});

test("what is not known is neither up nor down", () => {
  assert.equal(uptime([]), null);
  assert.equal(uptime([stretch("waiting", 0, 24)]), null);
  assert.equal(uptime([stretch("waiting", 0, 12), stretch("live", 12, 15), stretch("faulty", 15, 24)]), 0.25);
});

test("a camera that was out is not said to have been live all the time", () => {
  assert.deepEqual([null, 0, 0.001, 0.5, 0.999, 1].map(uptimeLabel), ["—", "0%", "1%", "50%", "99%", "100%"]);
});

test("a strip is told in words to those who cannot see it", () => {
  const day = [stretch("waiting", -2, -1), stretch("live", -1, 0), stretch("stale", 0, 1), stretch("live", 1, 2)];
  assert.equal(stripLabel([...day, stretch("moved", 2, 3)], LONDON), "Out: 08:00–09:00 stale, 10:00–11:00 moved");
  assert.equal(stripLabel([stretch("live", 0, 24)], LONDON), "No outage in the last 24 hours");
  assert.equal(stripLabel([stretch("waiting", 0, 24)], LONDON), "Nothing is known of the last 24 hours");
  assert.deepEqual(
    outages([...day, stretch("moved", 2, 3)]).map(({ state }) => state),
    ["moved", "stale"],
  );
});

test("the strip is marked at the sixth hours of the local clock", () => {
  const span = { start: Date.parse("2017-07-09T08:30:00Z"), end: Date.parse("2017-07-10T08:30:00Z") };
  const marks = hourMarks(span, LONDON);
  assert.deepEqual(
    marks.map(({ label }) => label),
    ["12:00", "18:00", "00:00", "06:00"],
  );
  assert.equal(marks[0]?.along, 2.5 / 24);
});
