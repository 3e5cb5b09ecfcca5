/** What of the view is kept in the address, so that a link shows what its sender saw. */

import { iso } from "./time.ts";
import { MEASURES, type Measure, WIDTHS, type Width } from "./types.ts";

/** The lists beside the map: every camera, where to act first, what was changed. */
export const LISTS = ["cameras", "priorities", "changes"] as const;
export type ListName = (typeof LISTS)[number];

/** What the page shows. `at` is the start of the window shown; where `live` it follows the newest. */
export interface View {
  readonly series: string;
  readonly width: Width;
  readonly at: number | null;
  readonly live: boolean;
  readonly camera: string | null;
  readonly zone: string | null;
  readonly measure: Measure;
  readonly hotspots: boolean;
  /** Which of the lists is beside the map, where nothing is opened over it. */
  readonly list: ListName;
  /** The intervention that is open. */
  readonly change: string | null;
}

/** The parts of a view that an address names; unknown keys and unreadable values are left out. */
export function parseHash(hash: string, classes: readonly string[]): Partial<View> {
  const params = new URLSearchParams(hash.replace(/^#/, ""));
  const series = params.get("class");
  const width = WIDTHS.find((each) => each === params.get("window"));
  const at = Date.parse(params.get("at") ?? "");
  const camera = params.get("camera");
  return {
    ...(series !== null && classes.includes(series) ? { series } : {}),
    ...(width ? { width } : {}),
    ...(Number.isNaN(at) ? { at: null, live: true } : { at, live: false }),
    camera,
    zone: camera === null ? null : params.get("zone"),
    measure: MEASURES.find((each) => each === params.get("measure")) ?? "index",
    hotspots: params.get("hotspots") !== "off",
    list: LISTS.find((each) => each === params.get("list")) ?? "cameras",
    change: params.get("change"),
  };
}

export function formatHash(view: View): string {
  const params = new URLSearchParams({ class: view.series, window: view.width });
  if (view.camera !== null) params.set("camera", view.camera);
  if (view.camera !== null && view.zone !== null) params.set("zone", view.zone);
  if (view.measure !== "index") params.set("measure", view.measure);
  if (!view.hotspots) params.set("hotspots", "off");
  if (view.list !== "cameras") params.set("list", view.list);
  if (view.change !== null) params.set("change", view.change);
  if (!view.live && view.at !== null) params.set("at", iso(view.at));
  return `#${params.toString().replaceAll("%3A", ":")}`;
}
