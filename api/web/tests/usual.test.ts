import assert from "node:assert/strict";
import { test } from "node:test";

import { chartSummary } from "../src/chart_words.ts";
import { CLASS_COUNT } from "../src/colours.ts";
import { takeApart } from "../src/day.ts";
import { INDEX_LABELS, USUAL, indexClass, indexColour, indexGap } from "../src/indices.ts";
import { SCALES, markOf, shown } from "../src/scales.ts";
import { zoneFeatures } from "../src/street.ts";
import type { Camera, Reading, Zone } from "../src/types.ts";
import { againstUsual, between, indexWithInterval, sentence, usualRange } from "../src/usual.ts";
import { tellsItsSidesApart } from "./sight.ts";

const EIGHT = Date.parse("2017-03-09T08:00:00Z");
const QUARTER_MS = 900_000;
const CAMERA = { name: "Parkway" } as Camera;

/** 12 people where 8 are usual and 5 to 11 in nine of ten windows; of the quarter-hour `position` after eight. */
function reading(fields: Partial<Reading> = {}, position = 0): Reading {
  const start = EIGHT + position * QUARTER_MS;
  return {
    zone: "07450:pavement",
    start: new Date(start).toISOString(),
    end: new Date(start + QUARTER_MS).toISOString(),
    mean: 12,
    low: 10,
    high: 14,
    peak: 16,
    baseline: 8,
    baseline_low: 5,
    baseline_high: 11,
    index: 1.5,
    index_low: 1.2,
    index_high: 1.8,
    baseline_state: "ok",
    baseline_reason: null,
    area_m2: null,
    density_per_100m2: null,
    stationary_share: null,
    state: "observed",
    reason: null,
    ...fields,
  } as Reading;
}

const TOO_SHORT = "3 of 14 days are there";
const UNKNOWN: Partial<Reading> = {
  baseline: null,
  baseline_low: null,
  baseline_high: null,
  index: null,
  index_low: null,
  index_high: null,
  baseline_state: "insufficient_history",
  baseline_reason: TOO_SHORT,
};
const MISSING: Partial<Reading> = { mean: null, low: null, high: null, index: null, state: "missing", reason: "card" };
const out = (index: number): Reading => reading({ index, mean: 100 });

test("to every eye both sides of usual stay apart, and each goes plainly away from it", () => {
  tellsItsSidesApart(indexColour, CLASS_COUNT);
});

test("half is as far from usual as double, and a class holds its bound that is nearer to usual", () => {
  assert.deepEqual([0, 0.49, 0.5, 0.7, 0.9, 1, 1.19].map((each) => indexClass(out(each))), [0, 0, 1, 2, 3, 3, 3]);
  assert.deepEqual([1.2, 1.5, 1.99, 2, 40].map((each) => indexClass(out(each))), [4, 5, 5, 6, 6]);
  assert.equal(INDEX_LABELS.length, CLASS_COUNT);
});

test("what lies in its usual range is usual, however large the index of a small number is", () => {
  const few = { mean: 1, baseline: 0.4, baseline_low: 0, baseline_high: 1.6, index: 2.5 };
  assert.equal(indexClass(reading(few)), USUAL);
  assert.equal(indexClass(reading({ ...few, baseline_high: 0.9 })), 6);
});

test("without enough history there is a mark of its own, with its reason, and never that of usual", () => {
  assert.equal(markOf(reading(UNKNOWN), SCALES.index, "people"), "unknown");
  assert.equal(indexGap(reading(UNKNOWN)), TOO_SHORT);
  assert.equal(indexGap(reading({ ...UNKNOWN, baseline_reason: null })), "not enough history yet");
  assert.equal(markOf(reading(MISSING), SCALES.index, "people"), "missing");
  assert.equal(indexGap(reading(MISSING)), "card");
  assert.equal(markOf(reading({ state: "partial" }), SCALES.index, "people"), "index-5-partial");
});

test("where no usual level is known the number is shown, and it is said why", () => {
  const frame = (...all: Reading[]): Map<string, Reading> => new Map(all.map((each, at) => [String(at), each]));
  const unknown = shown("index", frame(reading(UNKNOWN), reading(UNKNOWN), reading(MISSING)));
  assert.equal(unknown.scale.measure, "number");
  assert.equal(unknown.instead, `Numbers are shown, as no usual level is known: ${TOO_SHORT}`);
  assert.deepEqual(shown("index", frame(reading(UNKNOWN), reading())), { scale: SCALES.index, instead: null });
  assert.deepEqual(shown("index", frame(reading(MISSING))), { scale: SCALES.index, instead: null });
  assert.deepEqual(shown("density", frame(reading(UNKNOWN))), { scale: SCALES.density, instead: null });
});

test("an index is told in words with its interval", () => {
  const said = (index: number, low: number, high: number): string | null =>
    againstUsual({ index, index_low: low, index_high: high }, "people");
  assert.equal(said(1.5, 1.2, 1.8), "50% more people than usual (90% interval 20% to 80% more)");
  assert.equal(said(0.88, 0.81, 0.96), "12% fewer people than usual (90% interval 4% to 19% fewer)");
  assert.equal(said(0.99, 0.9, 1.1), "1% fewer people than usual (90% interval 10% fewer to 10% more)");
  assert.equal(said(2.44, 1.9, 3.1), "2.4 times as many people as usual (90% interval 90% more to 3.1 times as many)");
  assert.equal(said(1, 1, 1.1), "as many people as usual (90% interval as many to 10% more)");
  assert.equal(between(2.1, 3.1), "2.1 to 3.1 times as many");
  assert.equal(againstUsual(reading(UNKNOWN), "people"), null);
});

test("what is usual is told with its range, or why it is not known", () => {
  assert.equal(usualRange(reading()), "8.0 (5.0–11.0)");
  assert.equal(usualRange(reading(UNKNOWN)), `not known: ${TOO_SHORT}`);
  assert.equal(indexWithInterval(reading()), "1.50× (1.20–1.80)");
  assert.equal(indexWithInterval(reading(UNKNOWN)), "—");
});

test("a line of the list says number, usual and what is wanting", () => {
  const counted = "Parkway: 12.0 (10.0–14.0) people";
  assert.equal(sentence(CAMERA, reading(), "people"), `${counted}, ${againstUsual(reading(), "people")}`);
  assert.equal(sentence(CAMERA, reading(UNKNOWN), "people"), counted);
  assert.equal(sentence(CAMERA, reading(MISSING), "people"), "Parkway: no data, card");
});

test("the usual range of a day goes on where nothing was counted, and as a density on the same ground", () => {
  const readings = [reading(), reading(MISSING, 1), reading(UNKNOWN, 2), reading({}, 3)];
  const stored = { start: EIGHT, end: EIGHT + 4 * QUARTER_MS };
  const day = takeApart(readings, stored);
  assert.deepEqual(day.usual.map((run) => run.map(({ low, expected, high }) => [low, expected, high])), [
    [[5, 8, 11], [5, 8, 11]],
    [[5, 8, 11]],
  ]);
  const dense = takeApart([reading({ area_m2: 400 }), reading(MISSING, 1)], stored, "density", 200);
  assert.deepEqual(dense.usual.flat().map(({ expected }) => expected), [2, 4]);
  assert.deepEqual(takeApart([reading()], stored, "density").usual, []);
  const said = chartSummary(day, "people", "UTC", String);
  assert.match(said, /with 12; of 2 windows 2 above and 0 below the usual range; 1 gap/);
});

test("zones on the ground are filled by how they compare with usual, hatched where that is not known", () => {
  const outline = { type: "Polygon", coordinates: [[[0, 0], [1, 0], [1, 1], [0, 0]]] };
  const zones = ["busy", "unknown"].map((id) => ({ id, camera: "07450", area_m2: 400, outline }) as unknown as Zone);
  const frame = new Map([["busy", reading()], ["unknown", reading(UNKNOWN)]]);
  const { features } = zoneFeatures(zones, frame, "people", "index");
  const told = features.map(({ properties }) => [properties?.["fill"], properties?.["state"], properties?.["label"]]);
  assert.deepEqual(told, [["fill-index-5", "observed", "1.50×"], ["no-figure", "missing", ""]]);
});
