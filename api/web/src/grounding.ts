/** What is said of a zone's ground: what its densities rest on. */

import { h } from "./dom.ts";
import { area, kindName } from "./format.ts";
import type { Camera, Zone, ZoneKind } from "./types.ts";

/** The zone's ground, how it is known, and what the figures on it mean; nothing of a zone without. */
export function groundNotes(camera: Camera, zone: Zone | undefined, series: string): HTMLElement[] {
  const size = zone && area(zone.area_m2, zone.area_error);
  if (!size) return [];
  const width = zone.effective_width_m === null ? "" : `, clear width ${zone.effective_width_m} m`;
  const terms = series === "people" || series === "pedestrian" ? OF_PEOPLE : OF_VEHICLES;
  const notes = [
    `${zone.name}: ${kindName(zone.kind)} of ${size}${width}`,
    ...(zone.cut === null ? [] : [`Cut off: ${zone.cut}`]),
    calibration(camera),
    ...(terms[zone.kind] ?? []),
  ];
  return [h("h3", {}, "The ground"), h("ul", { class: "gaps" }, ...notes.map((note) => h("li", {}, note)))];
}

type Terms = Partial<Record<ZoneKind, readonly string[]>>;

const CROWDED = "Crowded area: where more than one person stands on 4 m², under 2 m apart";
const COMFORT = "Indicative comfort: Fruin A to F and TfL A+ to E, from density alone, by its clear width";
const COVERED = "Covered area: under vehicles of typical size";

const OF_PEOPLE: Terms = { pavement: [CROWDED, COMFORT], crossing: [CROWDED, COMFORT], bus_stop: [CROWDED] };
const OF_VEHICLES: Terms = { carriageway: [COVERED], crossing: [COVERED] };

function calibration({ plane_method, plane_error_m }: Camera): string {
  if (plane_method === "rendered") return "Calibrated exactly: it is rendered on this ground";
  if (plane_method === "sizes") return "Calibrated by sizes in the scene, which is weaker than by points of a map";
  return `Calibrated by points of a map${plane_error_m === null ? "" : `, to ${plane_error_m.toFixed(2)} m`}`;
}
