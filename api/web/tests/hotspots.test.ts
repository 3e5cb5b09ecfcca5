import assert from "node:assert/strict";
import { test } from "node:test";

import { foundHotspots, hotspotLabel, hotspotWords, hotspotsTold } from "../src/hotspots.ts";
import type { Camera } from "../src/types.ts";
import type { Hotspot, HotspotAnswer } from "../src/unusual_types.ts";

const EIGHT = Date.parse("2017-03-09T08:00:00Z");
const SQUARE: GeoJSON.Geometry = { type: "Polygon", coordinates: [[[0, 0], [1, 0], [1, 1], [0, 0]]] };
const POINT: GeoJSON.Geometry = { type: "Point", coordinates: [0, 0] };
const CAMERAS = new Map([["07450", { id: "07450", lon: -0.1426, lat: 51.539 } as Camera]]);

function spot(fields: Partial<Hotspot>): Hotspot {
  return { zone: null, camera: null, cell: null, verdict: "too_busy", confidence: 0.95, ...fields } as Hotspot;
}

function answer(...places: readonly [Hotspot, GeoJSON.Geometry][]): HotspotAnswer {
  const features = places.map(([properties, geometry]) => ({ type: "Feature" as const, properties, geometry }));
  const looked = [{ places: 6, known: 5, words: "2 of 5 places are busier than usual." }];
  const window = { start: "2017-03-09T08:00:00Z", end: "2017-03-09T08:15:00Z" };
  return { type: "FeatureCollection", features, looked, ...window };
}

test("what stands out is drawn: hexagons, rims of zones on known ground, a ring by the surest zone of a camera", () => {
  const cells = answer(
    [spot({ cell: "busy" }), SQUARE],
    [spot({ cell: "usual", verdict: "usual", confidence: null }), SQUARE],
    [spot({ cell: "unknown", verdict: "unknown", confidence: null }), SQUARE],
  );
  const zones = answer(
    [spot({ zone: "pavement", camera: "07450", confidence: 0.9 }), SQUARE],
    [spot({ zone: "road", camera: "07450", confidence: 0.99, verdict: "too_quiet" }), POINT],
    [spot({ zone: "elsewhere", camera: "gone", confidence: 0.99 }), POINT],
  );
  const found = foundHotspots(cells, zones, CAMERAS);
  assert.deepEqual([...found.cells.keys()], ["busy"]);
  assert.deepEqual([...found.zones.keys()], ["pavement", "road", "elsewhere"]);
  const names = ["place", "id", "verdict", "confidence", "label"];
  assert.deepEqual(found.drawn.features.map(({ properties }) => names.map((name) => properties?.[name])), [
    ["cell", "busy", "too_busy", 0.95, "▲ 95%"],
    ["zone", "pavement", "too_busy", 0.9, "▲ 90%"],
    ["camera", "07450", "too_quiet", 0.99, "▼ 99%"],
  ]);
  assert.deepEqual(found.drawn.features.at(-1)?.geometry, { type: "Point", coordinates: [-0.1426, 51.539] });
});

test("direction and confidence are words too", () => {
  assert.equal(hotspotWords(spot({})), "busier than usual with 95% confidence");
  assert.equal(hotspotWords(spot({ verdict: "too_quiet", confidence: 0.9 })), "quieter than usual with 90% confidence");
  assert.equal(hotspotLabel(spot({ verdict: "too_quiet", confidence: 0.99 })), "▼ 99%");
});

test("where the answer is of another window than the one shown, it says of which", () => {
  const found = foundHotspots(answer(), answer(), CAMERAS);
  assert.equal(hotspotsTold(found, EIGHT, "UTC"), "2 of 5 places are busier than usual.");
  assert.match(hotspotsTold(found, EIGHT + 900_000, "UTC"), /^08:00–08:15 UTC: 2 of 5/);
});
