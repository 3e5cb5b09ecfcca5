import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";

import { Problem } from "../src/api.ts";
import * as drafts from "../src/calibrate/draft.ts";
import { onTheMap } from "../src/calibrate/drawn.ts";
import { figures, missing } from "../src/calibrate/fit.ts";
import { type Handle, handleOf, keyOf } from "../src/calibrate/handles.ts";
import { History } from "../src/calibrate/history.ts";
import { Judge } from "../src/calibrate/judge.ts";
import { Plane } from "../src/calibrate/plane.ts";
import type { Fit, GroundPlane, Judgement, PointPx, Site } from "../src/calibrate/site.ts";
import { progress } from "../src/calibrate/waiting.ts";
import { area, degrees, latLon, measured, number } from "../src/calibrate/written.ts";

const RING: readonly PointPx[] = [[10, 200], [120, 180], [130, 280]];
const SITE: Site = {
  camera: "06710",
  width: 352,
  height: 288,
  lat: 51.5036,
  lon: -0.078,
  zones: { type: "FeatureCollection", features: [] },
  map_points: [],
  sizes: null,
  fitted: null,
};
const EMPTY = drafts.draftOf(SITE);
const JUDGED: Judgement = {
  fit: null,
  refused: null,
  zones: [],
  grid: [],
  horizon: null,
  height_m: null,
  height_error_m: null,
};

/** A draft with one pavement, drawn corner by corner. */
function drawn(corners: readonly PointPx[] = RING): drafts.Draft {
  return drafts.closeRing(corners.reduce(drafts.addCorner, EMPTY), SITE.camera, "pavement");
}

test("a zone that was drawn is a closed ring in the file, and is read from there as it was drawn", () => {
  const site = drafts.siteOf(SITE, drawn());
  const [zone] = site.zones.features;
  assert.deepEqual(zone?.geometry.coordinates, [[...RING, RING[0]]]);
  assert.deepEqual([zone?.id, zone?.properties.name], ["06710:pavement-1", "Pavement 1"]);
  assert.deepEqual(drafts.draftOf(site), drawn());
});

test("what the page does not edit passes through it", () => {
  const site = { ...SITE, note: "drawn by hand", lens: { k1: -0.1, error_px: 1 } };
  assert.deepEqual(drafts.siteOf(site, drafts.draftOf(site)), site);
});

test("two corners make no zone, and a zone keeps three", () => {
  const two = drafts.addCorner(drafts.addCorner(EMPTY, [1, 1]), [2, 2]);
  assert.equal(drafts.closeRing(two, "06710", "pavement"), two);
  const zone = drawn();
  assert.equal(drafts.removeCorner(zone, 0, 1), zone);
  const four = drafts.insertCorner(zone, 0, 2);
  assert.deepEqual(four.zones[0]?.corners.at(-1), [70, 240]); // midway from the last to the first
  assert.deepEqual(drafts.removeCorner(four, 0, 3), zone);
});

test("a new zone is called after its kind until it has a name or is saved", () => {
  const change = (draft: drafts.Draft, saved: string[] = []): drafts.DraftZone | undefined =>
    drafts.changeKind(draft, 0, "cycle_lane", "06710", new Set(saved)).zones[0];
  const called = (zone: drafts.DraftZone | undefined): unknown[] => [zone?.id, zone?.name, zone?.kind];
  assert.deepEqual(called(change(drawn())), ["06710:cycle-lane-1", "Cycle lane 1", "cycle_lane"]);
  const named = drafts.changeZone(drawn(), 0, { name: "North side" });
  assert.deepEqual(called(change(named)), ["06710:cycle-lane-1", "North side", "cycle_lane"]);
  assert.deepEqual(called(change(drawn(), ["06710:pavement-1"])), ["06710:pavement-1", "Pavement 1", "cycle_lane"]);
});

test("ids of zones are never given twice", () => {
  let draft = drafts.closeRing(RING.reduce(drafts.addCorner, drawn()), "06710", "pavement");
  draft = drafts.removeZone(draft, 0);
  draft = drafts.closeRing(RING.reduce(drafts.addCorner, draft), "06710", "pavement");
  assert.deepEqual(draft.zones.map((zone) => zone.id), ["06710:pavement-2", "06710:pavement-1"]);
});

test("a point is of the site once it has its place on the map", () => {
  const waiting = drafts.placePending(EMPTY, [60, 200]);
  assert.deepEqual(drafts.siteOf(SITE, waiting).map_points, []);
  const matched = drafts.matchPending(waiting, 51.5, -0.12);
  const point = { px: [60, 200], lat: 51.5, lon: -0.12, error_m: 0.3, what: "point 1" };
  assert.deepEqual(drafts.siteOf(SITE, matched).map_points, [point]);
  assert.equal(matched.pending, null);
  assert.equal(drafts.matchPending(matched, 1, 2), matched);
});

test("places stay in the picture", () => {
  assert.deepEqual(drafts.inside([-3, 300.04], SITE), [0, 288]);
  assert.deepEqual(drafts.inside([100.26, 7.04], SITE), [100.3, 7]);
});

test("a drag is undone in one step, and what was undone comes back until something new is done", () => {
  const history = new History(0);
  history.change(1);
  for (const value of [2, 3, 4]) history.change(value, "drag 1");
  assert.equal(history.now, 4);
  assert.ok(history.undo());
  assert.equal(history.now, 1);
  assert.ok(history.redo() && history.now === 4);
  history.undo();
  history.change(9, "drag 1");
  assert.equal(history.canRedo, false);
  assert.ok(history.undo() && history.now === 1);
});

test("nothing is unsaved after all was undone", () => {
  const history = new History(EMPTY);
  history.change(drawn());
  assert.ok(!drafts.sameSite(history.now, history.settled));
  history.undo();
  assert.ok(drafts.sameSite(history.now, history.settled));
  history.redo();
  history.settle(history.now);
  assert.ok(drafts.sameSite(history.now, history.settled));
});

test("handles are what their keys say", () => {
  const handles: Handle[] = [
    { of: "corner", zone: 1, at: 12 },
    { of: "middle", zone: 0, at: 3 },
    { of: "ring", at: 2 },
    { of: "point", at: 7 },
    { of: "pending" },
  ];
  assert.deepEqual(handles.map((handle) => handleOf(keyOf(handle))), handles);
});

test("degrees are taken as people paste them, and nothing else is", () => {
  const place = { lat: 51.5, lon: -0.12 };
  for (const text of ["51.5, -0.12", " 51.5,-0.12 ", "(51.5, -0.12)", "51.5 -0.12", "51.5; -0.12", "51,5; -0,12"]) {
    assert.deepEqual(latLon(text), place, text);
  }
  for (const text of ["", "51.5", "51,5", "91, 0", "1, 181", "north, west", "51.5, -0.12, 30", "1e2, 3"]) {
    assert.equal(latLon(text), null, text);
  }
  assert.deepEqual(["-0.12", ".5", "3.", "+1,5", "1.2.3", "0x10", ""].map(number), [-0.12, 0.5, 3, 1.5, null, null, null]);
});

test("figures bear no more decimals than they know", () => {
  assert.deepEqual([area(124.3, 0.032), area(8.42, 0.01), area(1204, null)], ["124 ± 4 m²", "8.4 ± 0.1 m²", "1204 m²"]);
  assert.deepEqual([measured(6.53, 0.31), measured(6.5, null)], ["6.5 ± 0.3 m", "6.5 m"]);
  assert.deepEqual([51.5, -0.0780001].map(degrees), ["51.50000", "-0.0780001"]);
});

/** A camera 8 m up at the origin, looking north and 30 degrees down, f = 300 px. */
const TILT = Math.PI / 6;
const PLANE: GroundPlane = {
  method: "points",
  lat: 51.5036,
  lon: -0.078,
  image_to_ground: [
    8, 0, -8 * 176,
    0, -8 * Math.sin(TILT), 8 * (300 * Math.cos(TILT) + 144 * Math.sin(TILT)),
    0, Math.cos(TILT), 300 * Math.sin(TILT) - 144 * Math.cos(TILT),
  ],
  lens_k1: 0,
  error_m: 0.21,
  left_out_m: 0.34,
};

test("the middle of the picture is on the map where the camera looks", () => {
  const [lon, lat] = new Plane(PLANE, SITE).toMap([176, 144]) ?? [];
  assert.ok(Math.abs((lon ?? 0) - PLANE.lon) < 1e-9);
  // 8 m / tan 30 degrees = 13.856 m north; a degree of latitude is 111.26 km there (core.ground.LocalFrame).
  assert.ok(Math.abs(((lat ?? 0) - PLANE.lat) * 111_261 - 13.856) < 0.01);
});

test("from the picture to the map and back is the same place, also through a lens that bends", () => {
  for (const lens_k1 of [0, -0.15, 0.2]) {
    const plane = new Plane({ ...PLANE, lens_k1 }, SITE);
    for (const px of [[5, 280], [176, 144], [340, 100]] as const) {
      const [lon = 0, lat = 0] = plane.toMap(px) ?? [];
      const [x = 0, y = 0] = plane.toPicture(lat, lon) ?? [];
      assert.ok(Math.hypot(x - px[0], y - px[1]) < 1e-4, `${px} came back as ${x}, ${y}`);
    }
  }
});

test("the sky is nowhere on the map, and what is behind the camera nowhere in the picture", () => {
  const plane = new Plane(PLANE, SITE);
  assert.equal(plane.toMap([176, 144 - 300 * Math.tan(TILT) - 1]), null);
  assert.equal(plane.toPicture(PLANE.lat - 0.001, PLANE.lon), null);
});

test("the fit is told with the figures that its method has", () => {
  const point = { what: "kerb", error_px: 1, error_m: 0.1, left_out_m: 0.2 };
  const fit: Fit = { plane: PLANE, points: [{ ...point, used: true }, { ...point, used: false }], warnings: [] };
  const told = figures({ ...JUDGED, fit, height_m: 8.02, height_error_m: 0.25 });
  assert.deepEqual(told.map(({ term, figure }) => [term, figure]), [
    ["Error", "0.21 m"],
    ["Left out", "0.34 m"],
    ["Camera height", "8.0 ± 0.3 m"],
    ["Points used", "1 of 2"],
  ]);
  const sized: GroundPlane = { ...PLANE, method: "sizes", error_m: null, left_out_m: null };
  assert.deepEqual(figures({ ...JUDGED, fit: { ...fit, plane: sized } }).map(({ term }) => term), ["Sizes used"]);
});

test("too few points are no mistake, and known sizes need none", () => {
  assert.match(missing(SITE, EMPTY) ?? "", /Not on the map yet/);
  const one = drafts.matchPending(drafts.placePending(EMPTY, [1, 2]), 51.5, 0);
  assert.match(missing(SITE, one) ?? "", /^1 of 4 points/);
  assert.equal(missing({ ...SITE, sizes: { lengths: [], heights: [], parallels: [] } }, EMPTY), null);
});

test("the map shows the zones that have ground", () => {
  const zone = { id: "06710:pavement-1", refused: null, area_m2: 40, area_error: 0.1, length_m: 9, cut: null };
  const outline = [[0, 0], [1, 0], [1, 1]] as const;
  const judged = { ...JUDGED, zones: [{ ...zone, most_px_per_m: 20, least_px_per_m: 9, outline }] };
  const { features } = onTheMap(drawn(), judged, 0);
  assert.deepEqual(features[0]?.geometry, { type: "Polygon", coordinates: [[...outline, outline[0]]] });
  assert.equal(features[0]?.properties?.["chosen"], true);
  assert.deepEqual(onTheMap(drawn(), JUDGED, null).features, []);
});

test("the time a background takes is told by how fast its clips came", () => {
  const gathering = { state: "gathering", clips: 7, of: 12, reason: null } as const;
  assert.equal(progress(gathering, { at: 0, clips: 7 }, 60_000), "7 of 12 clips");
  assert.equal(progress(gathering, { at: 0, clips: 4 }, 720_000), "7 of 12 clips, about 20 min");
  assert.equal(progress(gathering, { at: 0, clips: 2 }, 12_000), "7 of 12 clips, about 20 s");
});

/** A judge of a service that answers when it is told to. */
function judging(t: TestContext): { judge: Judge; asked: Site[]; heard: unknown[]; answer: (with_: unknown) => Promise<void> } {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const asked: Site[] = [];
  const heard: unknown[] = [];
  let settle: (with_: unknown) => void = () => undefined;
  const desk = {
    judge: (site: Site): Promise<Judgement> => {
      asked.push(site);
      return new Promise((resolve, reject) => {
        settle = (with_) => (with_ instanceof Error ? reject(with_) : resolve(with_ as Judgement));
      });
    },
  };
  const judge = new Judge(desk, { judged: (judgement) => heard.push(judgement), failed: (error) => heard.push(error) });
  const answer = async (with_: unknown): Promise<void> => {
    settle(with_);
    for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
  };
  return { judge, asked, heard, answer };
}

test("of many changes the last one is judged, one at a time, and an answer to an older one is not heard", async (t) => {
  const { judge, asked, heard, answer } = judging(t);
  const sites = [1, 2, 3].map((lat) => ({ ...SITE, lat }));
  for (const site of sites) judge.about(site);
  t.mock.timers.tick(150);
  assert.deepEqual(asked, [sites[2]]);
  judge.about(SITE);
  t.mock.timers.tick(150);
  assert.equal(asked.length, 1, "the first is not answered yet");
  await answer({ ...JUDGED, height_m: 3 });
  assert.deepEqual([asked[1], heard], [SITE, []]);
  await answer(JUDGED);
  assert.deepEqual([asked.length, heard], [2, [JUDGED]]);
  judge.about({ ...SITE });
  t.mock.timers.tick(150);
  assert.equal(asked.length, 2, "the same is not asked again");
});

test("a service that is down is asked again by itself, one that says no is not", async (t) => {
  const { judge, asked, heard, answer } = judging(t);
  judge.about(SITE);
  t.mock.timers.tick(150);
  await answer(new Problem(503, "busy", ""));
  t.mock.timers.tick(3_000);
  assert.equal(asked.length, 2);
  await answer(new Problem(422, "malformed", ""));
  t.mock.timers.tick(10_000);
  assert.deepEqual([asked.length, heard.length], [2, 2]);
});
