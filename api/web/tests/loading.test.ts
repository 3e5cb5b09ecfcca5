import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";

import { Figures } from "../src/figures.ts";
import type { Camera, Reading } from "../src/types.ts";

const QUARTER_MS = 900_000;
const EIGHT = Date.parse("2017-03-09T08:00:00Z");
const TOWER = { id: "06710", timezone: "Europe/London", zones: ["06710:view"] } as unknown as Camera;
const CAMERAS = new Map([[TOWER.id, TOWER]]);

/** The quarter-hour `position` after eight, with the fields that matter here. */
function reading(position: number, fields: Partial<Reading> = {}): Reading {
  const start = EIGHT + position * QUARTER_MS;
  const [from, to] = [start, start + QUARTER_MS].map((at) => new Date(at).toISOString().replace(".000", ""));
  return { zone: "06710:view", camera: TOWER.id, start: from, end: to, mean: 1, reason: null, ...fields } as Reading;
}

/** A service that answers with `now`, and how often it was asked for what. */
function service(t: TestContext): { now: { latest: Reading[]; readings: Reading[] }; asked: string[] } {
  const stage = { now: { latest: [reading(0)], readings: [reading(0)] }, asked: [] as string[] };
  const fetched = (url: URL): Promise<Response> => {
    const latest = url.pathname.endsWith("latest");
    stage.asked.push(latest ? "latest" : "readings");
    return Promise.resolve(Response.json({ readings: latest ? stage.now.latest : stage.now.readings }));
  };
  t.mock.method(globalThis, "fetch", fetched as unknown as typeof fetch);
  Object.defineProperty(globalThis, "document", { value: { baseURI: "http://map.test/" }, configurable: true });
  t.after(() => Reflect.deleteProperty(globalThis, "document"));
  return stage;
}

const reasonOfFrame = async (figures: Figures): Promise<string | null | undefined> =>
  (await figures.frame(EIGHT)).get("06710:view")?.reason;

test("the newest figures are shown as answered, however far behind another zone's", async (t) => {
  const stage = service(t);
  const quiet = reading(40, { zone: "09800:view", mean: null, reason: "no clip since 2017-03-09T08:10:00Z" });
  stage.now.latest = [reading(0), quiet];
  const figures = new Figures("people", "15m");
  await figures.loadLatest();
  assert.deepEqual([...figures.latest().values()], stage.now.latest);
});

test("a frame received while its window was open is asked for anew once that has ended, and then kept", async (t) => {
  const stage = service(t);
  const figures = new Figures("people", "15m");
  await figures.loadLatest();
  stage.now.readings = [reading(0, { reason: "window still open: 2 of 3 clips so far" })];
  assert.match((await reasonOfFrame(figures)) ?? "", /still open/);
  stage.now.readings = [reading(0, { reason: "2 of 3 clips counted; 1 not received" })];
  assert.match((await reasonOfFrame(figures)) ?? "", /still open/);
  await figures.accept([reading(1)], CAMERAS);
  for (let time = 0; time < 3; time += 1) assert.match((await reasonOfFrame(figures)) ?? "", /not received/);
  await figures.loadLatest();
  await reasonOfFrame(figures);
  assert.deepEqual(stage.asked, ["latest", "readings", "readings", "latest", "readings"]);
});

test("a day that goes on is asked for anew after every refresh, a day that is over once", async (t) => {
  const stage = service(t);
  const figures = new Figures("people", "15m");
  for (let time = 0; time < 3; time += 1) {
    await figures.loadLatest();
    for (const day of ["2017-03-08", "2017-03-09", "2017-03-09"]) await figures.day(TOWER, day);
  }
  assert.equal(stage.asked.filter((each) => each === "readings").length, 1 + 3);
});

test("a live reading is worked into what is kept, of a window open or over", async (t) => {
  const stage = service(t);
  const figures = new Figures("people", "15m");
  stage.now.latest = [reading(1)];
  await figures.loadLatest();
  await Promise.all([figures.frame(EIGHT), figures.day(TOWER, "2017-03-09")]);
  await figures.accept([reading(0, { mean: 7 })], CAMERAS);
  assert.equal((await figures.frame(EIGHT)).get("06710:view")?.mean, 7);
  assert.deepEqual((await figures.day(TOWER, "2017-03-09")).map((each) => each.mean), [7]);
  assert.equal(figures.latest().get("06710:view")?.start, reading(1).start);
});
