/** The density API as typed questions. Addresses are relative to the page, so it works below any path. */

import { iso } from "./time.ts";
import type { About, Camera, Extent, Health, Reading, States, Width, Zone } from "./types.ts";

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

async function get<T>(path: string): Promise<T> {
  let response: Response;
  try {
    response = await fetch(new URL(path, document.baseURI), { headers: { Accept: "application/json" } });
  } catch {
    throw new Unreachable();
  }
  if (response.ok) return (await response.json()) as T;
  const problem = (await response.json().catch(() => ({}))) as { title?: string; detail?: string; remedy?: string };
  const title = problem.detail ?? problem.title ?? `The service answered ${response.status}`;
  throw new Problem(response.status, title, problem.remedy ?? "");
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

export function about(): Promise<About> {
  return get<About>("v1/about");
}

export function outlines(): Promise<GeoJSON.FeatureCollection> {
  return get<GeoJSON.FeatureCollection>("v1/outlines");
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

export async function zonesOf(camera: string): Promise<readonly Zone[]> {
  return (await get<{ zones: readonly Zone[] }>(`v1/zones?${new URLSearchParams({ camera })}`)).zones;
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
