/** What is said of a camera's ground and of a zone's: what its densities rest on. */

import { h } from "./dom.ts";
import { area, kindName } from "./format.ts";
import type { Camera, Zone } from "./types.ts";

/** Why a camera gives no densities; null where it does. */
export function ungrounded({ plane }: Camera, zones: readonly Zone[]): string | null {
  if (zones.some((zone) => zone.area_m2 !== null)) return null;
  return `${plane === null ? "Not calibrated" : "No zones drawn on the ground"}: numbers, not densities`;
}

/** The zone's ground and how it is known, below a heading; nothing of a zone without. */
export function groundNotes(camera: Camera, zone: Zone | undefined): HTMLElement[] {
  const size = zone && area(zone.area_m2, zone.area_error);
  if (!size) return [];
  const width = zone.effective_width_m === null ? "" : `, clear width ${zone.effective_width_m} m`;
  const notes = [
    `${zone.name}: ${kindName(zone.kind)} of ${size}${width}`,
    ...(zone.cut === null ? [] : [`Cut off: ${zone.cut}`]),
    calibration(camera),
    ...TERMS,
  ];
  return [h("h3", {}, "The ground"), h("ul", { class: "gaps" }, ...notes.map((note) => h("li", {}, note)))];
}

const TERMS = [
  "Crowded area: where more than one person stands on 4 m², under 2 m apart",
  "Covered area: under vehicles of typical size",
  "Indicative comfort: Fruin A to F and TfL A+ to E, by density alone",
] as const;

function calibration({ plane_method, plane_error_m }: Camera): string {
  if (plane_method === "rendered") return "Calibrated exactly: it is rendered on this ground";
  if (plane_method === "sizes") return "Calibrated by sizes in the scene, which is weaker than by points of a map";
  return `Calibrated by points of a map${plane_error_m === null ? "" : `, to ${plane_error_m.toFixed(2)} m`}`;
}
