import assert from "node:assert/strict";
import { test } from "node:test";

import { clock, dayBounds, floorTo, iso, localDay, shiftDay } from "../src/time.ts";
import { windowLabel, windowStarts, zoneName } from "../src/time.ts";

const LONDON = "Europe/London";
const at = (text: string): number => Date.parse(text);
const hours = (day: string, tz: string): number => {
  const { start, end } = dayBounds(day, tz);
  return (end - start) / 3_600_000;
};

test("windows are aligned to UTC and written to the second", () => {
  assert.equal(iso(floorTo(at("2017-03-09T08:44:59.999Z"), "15m")), "2017-03-09T08:30:00Z");
  assert.equal(iso(floorTo(at("2017-03-09T08:45:00Z"), "15m")), "2017-03-09T08:45:00Z");
});

test("a local day has 23, 24 or 25 hours where the clocks change", () => {
  assert.equal(hours("2017-03-09", LONDON), 24);
  assert.equal(hours("2017-03-26", LONDON), 23);
  assert.equal(hours("2017-10-29", LONDON), 25);
});

test("a local day begins at its own midnight, also where the clocks jump over it", () => {
  assert.equal(iso(dayBounds("2017-07-01", LONDON).start), "2017-06-30T23:00:00Z");
  assert.equal(iso(dayBounds("2017-07-01", "Asia/Kolkata").start), "2017-06-30T18:30:00Z");
  // In Santiago the clocks went from 00:00 to 01:00 on this day.
  assert.equal(clock(dayBounds("2019-09-08", "America/Santiago").start, "America/Santiago"), "01:00");
});

test("the slider covers what is stored of a day and nothing else", () => {
  const stored = { start: at("2017-03-09T07:03:00Z"), end: at("2017-03-09T09:00:00Z") };
  const starts = windowStarts("2017-03-09", LONDON, "60m", stored).map(iso);
  assert.deepEqual(starts, ["2017-03-09T07:00:00Z", "2017-03-09T08:00:00Z", "2017-03-09T09:00:00Z"]);
  assert.deepEqual(windowStarts("2017-03-10", LONDON, "60m", stored), []);
});

test("every window of a short day has its place", () => {
  const stored = { start: at("2017-03-20T00:00:00Z"), end: at("2017-04-01T00:00:00Z") };
  assert.equal(windowStarts("2017-03-26", LONDON, "15m", stored).length, 92);
});

test("times name their zone", () => {
  const summer = at("2017-07-01T08:00:00Z");
  assert.equal(zoneName(summer, LONDON), "BST");
  assert.equal(windowLabel(summer, summer + 900_000, LONDON), "09:00–09:15 BST");
});

test("days follow each other over months and leap years", () => {
  assert.equal(shiftDay("2016-02-28", 1), "2016-02-29");
  assert.equal(shiftDay("2017-01-01", -1), "2016-12-31");
  assert.equal(localDay(at("2017-06-30T23:30:00Z"), LONDON), "2017-07-01");
});
