/** What of the view is kept in the address, so that a link shows what its sender saw. */

import { iso } from "./time.ts";
import { MEASURES, type Measure, WIDTHS, type Width } from "./types.ts";

/** What the page shows. `at` is the start of the window shown; where `live` it follows the newest. */
export interface View {
  readonly series: string;
  readonly width: Width;
  readonly at: number | null;
  readonly live: boolean;
  readonly camera: string | null;
  readonly zone: string | null;
  /** Of the open camera's curve. */
  readonly measure: Measure;
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
    measure: MEASURES.find((each) => each === params.get("measure")) ?? "number",
  };
}

export function formatHash(view: View): string {
  const params = new URLSearchParams({ class: view.series, window: view.width });
  if (view.camera !== null) params.set("camera", view.camera);
  if (view.camera !== null && view.zone !== null) params.set("zone", view.zone);
  if (view.camera !== null && view.measure !== "number") params.set("measure", view.measure);
  if (!view.live && view.at !== null) params.set("at", iso(view.at));
  return `#${params.toString().replaceAll("%3A", ":")}`;
}
