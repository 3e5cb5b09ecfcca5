/** The density API as typed questions. Addresses are relative to the page, so it works below any path. */

import { iso } from "./time.ts";
import type { About, Camera, Extent, Health, Reading, States, Width, Zone } from "./types.ts";
import type { AnomalyAnswer, EffectAnswer, Grid, HotspotAnswer, Intervention } from "./unusual_types.ts";
import type { PriorityAnswer } from "./unusual_types.ts";

/** The service answered, and said no: problem+json with its remedy. */
export class Problem extends Error {
  readonly status: number;

  constructor(status: number, title: string, remedy: string) {
    super(remedy ? `${title}. ${remedy}` : title);
    this.name = "Problem";
    this.status = status;
  }
}

/** The service did not answer. */
export class Unreachable extends Error {
  constructor() {
    super("The service does not answer");
    this.name = "Unreachable";
  }
}

export interface ReadingsQuery {
  readonly series: string;
  readonly width: Width;
  readonly from: number;
  readonly to: number;
  readonly camera?: string;
}

interface ReadingsPage {
  readonly readings: readonly Reading[];
  readonly next?: string | null;
}

/** An answer that is a yes; raises `Problem` for any other and `Unreachable` for none. */
export async function ask(path: string, asked: RequestInit = {}): Promise<Response> {
  const headers = { Accept: "application/json", ...(asked.body == null ? {} : { "Content-Type": "application/json" }) };
  let response: Response;
  try {
    response = await fetch(new URL(path, document.baseURI), { headers, ...asked });
  } catch {
    throw new Unreachable();
  }
  if (response.ok) return response;
  const problem = (await response.json().catch(() => ({}))) as { title?: string; detail?: string; remedy?: string };
  const title = problem.detail ?? problem.title ?? `The service answered ${response.status}`;
  throw new Problem(response.status, title, problem.remedy ?? "");
}

async function get<T>(path: string): Promise<T> {
  return (await (await ask(path)).json()) as T;
}

function readingsParams(query: ReadingsQuery): URLSearchParams {
  const params = new URLSearchParams({
    window: query.width,
    class: query.series,
    from: iso(query.from),
    to: iso(query.to),
  });
  if (query.camera !== undefined) params.set("camera", query.camera);
  return params;
}

/** `root` leads from the page to where the service begins: pages further down say `../../`. */
export function about(root = ""): Promise<About> {
  return get<About>(`${root}v1/about`);
}

export function outlines(root = ""): Promise<GeoJSON.FeatureCollection> {
  return get<GeoJSON.FeatureCollection>(`${root}v1/outlines`);
}

/** What is stored, or null while nothing is. */
export async function extent(): Promise<Extent | null> {
  const answer = await get<{ start: string | null; end: string | null }>("v1/extent");
  if (answer.start === null || answer.end === null) return null;
  return { start: Date.parse(answer.start), end: Date.parse(answer.end) };
}

export async function cameras(): Promise<readonly Camera[]> {
  return (await get<{ cameras: readonly Camera[] }>("v1/cameras")).cameras;
}

/** The zones of these cameras, with their outlines on the ground where that is known. */
export async function zonesOf(cameras: readonly string[]): Promise<readonly Zone[]> {
  const params = new URLSearchParams({ camera: cameras.join(","), format: "geojson" });
  const found = await get<GeoJSON.FeatureCollection<GeoJSON.Geometry, Omit<Zone, "outline">>>(`v1/zones?${params}`);
  return found.features.map(({ geometry, properties }) => ({
    ...properties,
    outline: geometry.type === "Polygon" ? geometry : null,
  }));
}

/** How every camera is. */
export async function health(): Promise<readonly Health[]> {
  return (await get<{ health: readonly Health[] }>("v1/health")).health;
}

/** How every camera was in the day before the present. */
export function states(): Promise<States> {
  return get<States>("v1/states");
}

/** Where the outages of a camera, in the day before the present, are as a spreadsheet. */
export function outagesAddress(camera: string): string {
  return new URL(`v1/cameras/${encodeURIComponent(camera)}/health?format=csv`, document.baseURI).href;
}

/** Where the zones of a camera are drawn, and its picture is tied to the map. */
export function calibrationAddress(camera: string): string {
  return new URL(`operations/calibrate/${encodeURIComponent(camera)}`, document.baseURI).href;
}

/** Every reading asked for, page after page. */
export async function readings(query: ReadingsQuery): Promise<readonly Reading[]> {
  let page = await get<ReadingsPage>(`v1/readings?${readingsParams(query)}`);
  const all = [...page.readings];
  while (page.next) {
    // Only the query of the next page is taken: behind a proxy the service may not know its own address.
    page = await get<ReadingsPage>(`v1/readings${new URL(page.next, document.baseURI).search}`);
    all.push(...page.readings);
  }
  return all;
}

/** The newest reading of every zone. */
export async function latest(series: string, width: Width): Promise<readonly Reading[]> {
  const params = new URLSearchParams({ window: width, class: series });
  return (await get<ReadingsPage>(`v1/latest?${params}`)).readings;
}

/** Where the same figures are as a spreadsheet. */
export function csvAddress(query: ReadingsQuery): string {
  const params = readingsParams(query);
  params.set("format", "csv");
  return new URL(`v1/readings?${params}`, document.baseURI).href;
}

export function liveAddress(series: string, width: Width): string {
  return new URL(`v1/live?${new URLSearchParams({ window: width, class: series })}`, document.baseURI).href;
}

/**
 * What is unusual, by hexagons or by zones, with their outlines: in the window that starts at `at`, or in the newest
 * that is over. Five minutes are too short to be unusual: then of the quarter of an hour they are in.
 */
export function hotspots(of: { series: string; width: Width; at: number | null }, grid: Grid): Promise<HotspotAnswer> {
  const { series, width, at } = of;
  const window = width === "5m" ? "15m" : width;
  const params = new URLSearchParams({ window, class: series, grid, format: "geojson" });
  if (at !== null) params.set("at", iso(at));
  return get<HotspotAnswer>(`v1/hotspots?${params}`);
}

/** Regions that are unusual at a moment, or in the newest window that is over. */
export function anomalies(series: string, at: number | null): Promise<AnomalyAnswer> {
  const params = new URLSearchParams({ class: series });
  if (at !== null) params.set("at", iso(at));
  return get<AnomalyAnswer>(`v1/anomalies?${params}`);
}

export interface PeriodQuery {
  readonly series: string;
  readonly from: number;
  readonly to: number;
}

function prioritiesPath({ series, from, to }: PeriodQuery, format: "json" | "csv"): string {
  return `v1/priorities?${new URLSearchParams({ from: iso(from), to: iso(to), class: series, format })}`;
}

/** Where to act first, by what was too busy in a period. */
export function priorities(query: PeriodQuery): Promise<PriorityAnswer> {
  return get<PriorityAnswer>(prioritiesPath(query, "json"));
}

/** Where the same list is as a spreadsheet. */
export function prioritiesCsvAddress(query: PeriodQuery): string {
  return new URL(prioritiesPath(query, "csv"), document.baseURI).href;
}

/** What was changed in the streets. */
export async function interventions(): Promise<readonly Intervention[]> {
  return (await get<{ interventions: readonly Intervention[] }>("v1/interventions")).interventions;
}

function effectPath(id: string, series: string, ending = ""): string {
  return `v1/interventions/${encodeURIComponent(id)}/effect${ending}?${new URLSearchParams({ class: series })}`;
}

/** What one of them did to a series. */
export function effect(id: string, series: string): Promise<EffectAnswer> {
  return get<EffectAnswer>(effectPath(id, series));
}

/** Where the same is to be read in full. */
export function effectAddress(id: string, series: string): string {
  return new URL(effectPath(id, series), document.baseURI).href;
}

export function effectPlotAddress(id: string, series: string): string {
  return new URL(effectPath(id, series, ".svg"), document.baseURI).href;
}
