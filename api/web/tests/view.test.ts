import assert from "node:assert/strict";
import { test } from "node:test";

import { Cache } from "../src/cache.ts";
import { type View, formatHash, parseHash } from "../src/hash.ts";
import { State } from "../src/state.ts";

const CLASSES = ["people", "vehicles", "bus"];
const VIEW: View = {
  series: "bus",
  width: "60m",
  at: Date.parse("2017-03-09T08:00:00Z"),
  live: false,
  camera: "06710",
  zone: "06710:north",
  measure: "density",
  hotspots: false,
  list: "priorities",
  change: "lane-2017",
};

test("an address brings back what its sender saw", () => {
  const hash = formatHash(VIEW);
  assert.equal(
    hash,
    "#class=bus&window=60m&camera=06710&zone=06710:north&measure=density&hotspots=off&list=priorities&change=lane-2017" +
    "&at=2017-03-09T08:00:00Z",
  );
  assert.deepEqual(parseHash(hash, CLASSES), VIEW);
});

test("what is shown from the beginning is not written", () => {
  const plain = { ...VIEW, measure: "index", hotspots: true, list: "cameras", change: null, camera: null } as const;
  assert.equal(formatHash(plain), "#class=bus&window=60m&at=2017-03-09T08:00:00Z");
});

test("an address without a time is live", () => {
  const live: View = { ...VIEW, live: true, at: null };
  assert.deepEqual(parseHash(formatHash(live), CLASSES), live);
});

test("what an address garbles is left as it was", () => {
  assert.deepEqual(parseHash("#class=zebra&window=7m&at=yesterday&zone=x", CLASSES), {
    at: null,
    live: true,
    camera: null,
    zone: null,
    measure: "index",
    hotspots: true,
    list: "cameras",
    change: null,
  });
});

test("listeners hear of changes and of nothing else", () => {
  const state = new State<{ a: number; b: string }>({ a: 1, b: "x" });
  const heard: unknown[] = [];
  state.subscribe((next, before) => heard.push([before, next]));
  state.set({ a: 1 });
  state.set({ b: "y" });
  assert.deepEqual(heard, [[{ a: 1, b: "x" }, { a: 1, b: "y" }]]);
});

test("a question asked twice is sent once, and the least recently asked is forgotten first", async () => {
  const cache = new Cache<string>(2);
  const sent: string[] = [];
  const ask = (key: string): Promise<string> =>
    cache.get(key, () => {
      sent.push(key);
      return Promise.resolve(key.toUpperCase());
    });
  for (const key of ["a", "b", "a", "c", "a", "b"]) await ask(key);
  assert.deepEqual(sent, ["a", "b", "c", "b"]);
});

test("a question that failed is asked anew", async () => {
  const cache = new Cache<string>(2);
  await assert.rejects(cache.get("a", () => Promise.reject(new Error("down"))));
  assert.equal(await cache.get("a", () => Promise.resolve("up")), "up");
});
