import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";

import { CLASS_COUNT, classLabels } from "../src/colours.ts";
import { takeApart } from "../src/day.ts";
import { densityBreaks, densityClass, densityColour, densityGap } from "../src/densities.ts";
import { area, comfort, densityFigure, densityWithInterval, ungrounded } from "../src/format.ts";
import { anyWithin, calibratedNear, corners, zoneFeatures } from "../src/street.ts";
import type { Camera, Reading, Zone } from "../src/types.ts";
import { sentence } from "../src/usual.ts";
import { Zones } from "../src/zones.ts";
import { keepsItsOrder } from "./sight.ts";

const EIGHT = Date.parse("2017-03-09T08:00:00Z");
const QUARTER_MS = 900_000;
const HERE = { west: -0.15, south: 51.53, east: -0.14, north: 51.54 };

/** A reading of 8 people on 400 m2; of the quarter-hour `position` after eight. */
function reading(fields: Partial<Reading> = {}, position = 0): Reading {
  const start = EIGHT + position * QUARTER_MS;
  return {
    zone: "07450:pavement",
    start: new Date(start).toISOString(),
    end: new Date(start + QUARTER_MS).toISOString(),
    mean: 8,
    low: 6,
    high: 11,
    peak: 12,
    area_m2: 400,
    calibration_error: 0.04,
    density_per_100m2: 2,
    density_low: 1.45,
    density_high: 2.8,
    comfort_fruin: null,
    comfort_tfl: null,
    stationary_share: null,
    baseline: null,
    index: null,
    state: "observed",
    reason: null,
    ...fields,
  } as Reading;
}

/** A square of 0.0001 degrees; without `lon` it has no ground. */
function zone(id: string, lon: number | null): Zone {
  const [west = 0, south] = [lon ?? 0, 51.535];
  const ring = [[west, south], [west + 1e-4, south], [west + 1e-4, south + 1e-4], [west, south + 1e-4], [west, south]];
  const outline = lon === null ? null : ({ type: "Polygon", coordinates: [ring] } as GeoJSON.Polygon);
  const area_m2 = lon === null ? null : 400;
  const known = { camera: "07450", kind: "pavement", effective_width_m: null, area_error: 0.04, cut: null } as const;
  return { ...known, id, name: id, area_m2, outline };
}

const NONE: Partial<Reading> = { density_per_100m2: null, density_low: null, density_high: null };
const COUNTED_BEFORE: Partial<Reading> = { ...NONE, area_m2: null };
const UNKNOWN_AREA: Partial<Reading> = { ...NONE, calibration_error: 0.7 };
const NO_FIGURES: Partial<Reading> = { ...COUNTED_BEFORE, mean: null, low: null, high: null };
const MISSING: Partial<Reading> = { ...NO_FIGURES, state: "missing", reason: "card" };

test("to every eye each denser class is plainly further from the page", () => {
  keepsItsOrder(densityColour, CLASS_COUNT);
});

test("a density's class holds its lower bound; there are as many labels as classes, whatever is counted", () => {
  assert.deepEqual([0, 0.49, 0.5, 24.9, 25, 900].map((each) => densityClass(each, "people")), [0, 0, 1, 5, 6, 6]);
  for (const series of ["people", "vehicles", "bus"]) {
    assert.equal(classLabels(densityBreaks(series)).length, CLASS_COUNT);
  }
  assert.ok(densityBreaks("vehicles").every((bound, at) => bound < (densityBreaks("people")[at] ?? 0)));
});

test("a density is written with its interval, and none is no zero", () => {
  assert.equal(densityWithInterval(reading()), "2.00 (1.45–2.80)");
  assert.equal(densityFigure(0.04), "0.04");
  assert.equal(densityFigure(9.996), "10.0");
  assert.equal(densityFigure(123.4), "123");
  assert.equal(densityFigure(null), "—");
  assert.equal(densityWithInterval(reading(COUNTED_BEFORE)), "—");
});

test("an area is written with the error of its calibration, and with none where there is none", () => {
  assert.equal(area(412.4, 0.043), "412 m² ± 4%");
  assert.equal(area(412.4, 0.001), "412 m² ± under 1%");
  assert.equal(area(1412, 0), "1,412 m²");
  assert.equal(area(6.25, 0.1), "6.3 m² ± 10%");
  assert.equal(area(null, null), null);
});

test("comfort is told where it was graded", () => {
  assert.equal(comfort(reading({ comfort_fruin: "A", comfort_tfl: "A-" })), "Fruin A, TfL A−");
  assert.equal(comfort(reading()), null);
});

test("the list says the density in words, and nothing of it where there is none", () => {
  const camera = { name: "Parkway" } as Camera;
  assert.equal(sentence(camera, reading(), "people"), "Parkway: 8.0 (6.0–11.0) people, 2.00 per 100 m²");
  assert.equal(sentence(camera, reading(COUNTED_BEFORE), "people"), "Parkway: 8.0 (6.0–11.0) people");
});

test("where there is no density it is said why", () => {
  assert.equal(densityGap(reading()), "");
  assert.equal(densityGap(undefined), "no reading of this window");
  assert.equal(densityGap(reading(MISSING)), "card");
  assert.equal(densityGap(reading(COUNTED_BEFORE)), "not calibrated when this was counted");
  assert.equal(densityGap(reading(UNKNOWN_AREA)), "its area is not known well enough");
});

test("a camera without calibration, and one without zones on its ground, give numbers and no densities", () => {
  const told = (plane: string | null, zones: readonly Zone[]): string | null => ungrounded({ plane } as Camera, zones);
  assert.match(told(null, [zone("a", null)]) ?? "", /^Not calibrated: numbers, not densities$/);
  assert.match(told("07450/0badcafe", [zone("a", null)]) ?? "", /^No zones drawn on the ground/);
  assert.equal(told("07450/0badcafe", [zone("a", null), zone("b", -0.1426)]), null);
});

test("a curve of density has its own figures and gaps; its peak is the peak on the same ground", () => {
  const readings = [reading(), reading(COUNTED_BEFORE, 1), reading(MISSING, 2)];
  const stored = { start: EIGHT, end: EIGHT + 3 * QUARTER_MS };
  const day = takeApart(readings, stored, "density");
  const [only] = day.runs.flat();
  assert.deepEqual([only?.mean, only?.low, only?.high, only?.peak, day.runs.flat().length], [2, 1.45, 2.8, 3, 1]);
  assert.deepEqual(day.gaps.map(({ reason }) => reason), ["not calibrated when this was counted", "card"]);
  assert.deepEqual(takeApart(readings, stored, "number").runs[0]?.map(({ mean }) => mean), [8, 8]);
});

test("on the map a zone has the colour of its density; without one it is hatched, without ground not drawn", () => {
  const zones = ["seen", "few", "partial", "before", "missing", "unread"].map((id) => zone(id, -0.1426));
  const frame = new Map([
    ["seen", reading()],
    ["few", reading({ density_per_100m2: 0 })],
    ["partial", reading({ state: "partial" })],
    ["before", reading(COUNTED_BEFORE)],
    ["missing", reading(MISSING)],
    ["nowhere", reading()],
  ]);
  const { features } = zoneFeatures([...zones, zone("nowhere", null)], frame, "people", "number");
  const names = ["id", "fill", "state", "label"];
  assert.deepEqual(features.map(({ properties }) => names.map((name) => properties?.[name])), [
    ["seen", "fill-density-3", "observed", "2.00"],
    ["few", "fill-density-0", "observed", "0.00"],
    ["partial", "fill-density-3", "partial", "2.00"],
    ["before", "no-figure", "missing", ""],
    ["missing", "no-figure", "missing", ""],
    ["unread", "no-figure", "missing", ""],
  ]);
});

test("zones are looked for at the calibrated cameras in view or just beside it", () => {
  const at = (id: string, lon: number, plane: string | null): Camera => ({ id, lon, lat: 51.535, plane }) as Camera;
  const cameras = [at("in", -0.145, "p"), at("plain", -0.145, null), at("beside", -0.1385, "p"), at("far", -0.13, "p")];
  assert.deepEqual(calibratedNear(cameras, HERE).map(({ id }) => id), ["in", "beside"]);
});

test("a zone is in view where any of it is", () => {
  assert.ok(anyWithin([zone("far", -0.2), zone("edge", -0.15005)], HERE));
  assert.ok(!anyWithin([zone("far", -0.2), zone("groundless", null)], HERE));
  assert.equal(corners([zone("a", -0.1426), zone("b", null)]).length, 5);
});

/** A service that tells these zones, and which cameras it was asked of. */
function service(t: TestContext, told: () => Response): string[] {
  const asked: string[] = [];
  const fetched = (url: URL): Promise<Response> => {
    asked.push(url.searchParams.get("camera") ?? "");
    return Promise.resolve(told());
  };
  t.mock.method(globalThis, "fetch", fetched as unknown as typeof fetch);
  Object.defineProperty(globalThis, "document", { value: { baseURI: "http://map.test/" }, configurable: true });
  t.after(() => Reflect.deleteProperty(globalThis, "document"));
  return asked;
}

function answer(...zones: readonly Zone[]): Response {
  const features = zones.map(({ outline, ...properties }) => {
    return { type: "Feature", properties, geometry: outline ?? { type: "Point", coordinates: [0, 0] } };
  });
  return Response.json({ type: "FeatureCollection", features });
}

test("the zones of a camera are asked for once, and again after a refresh", async (t) => {
  let now = answer(zone("old", -0.1426), zone("groundless", null));
  const asked = service(t, () => now);
  const zones = new Zones();
  await Promise.all([zones.load(["07450", "06710"]), zones.load(["07450"])]);
  assert.deepEqual(asked, ["07450,06710"]);
  assert.deepEqual(zones.of("07450").map(({ id }) => id), ["old", "groundless"]);
  assert.deepEqual(zones.of("07450").map(({ outline }) => outline?.type), ["Polygon", undefined]);
  zones.refresh();
  assert.equal(zones.zone("07450", "old")?.id, "old");
  now = answer(zone("new", -0.1426));
  await zones.load(["07450"]);
  assert.deepEqual(zones.of("07450").map(({ id }) => id), ["new"]);
});

test("zones that could not be had are those of before, and are asked for anew", async (t) => {
  let now = (): Response => answer(zone("old", -0.1426));
  const asked = service(t, () => now());
  const zones = new Zones();
  await zones.load(["07450"]);
  zones.refresh();
  now = () => new Response("{}", { status: 503 });
  await assert.rejects(zones.load(["07450"]));
  assert.deepEqual(zones.of("07450").map(({ id }) => id), ["old"]);
  await assert.rejects(zones.load(["07450"]));
  assert.equal(asked.length, 3);
});
