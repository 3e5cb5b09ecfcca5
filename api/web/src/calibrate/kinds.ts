/** How each kind of zone is called and drawn: colours that colour-blind eyes tell apart (Okabe and Ito 2008). */

import { kindName } from "../format.ts";
import type { ZoneKind } from "./site.ts";

export const COLOUR: Readonly<Record<ZoneKind, string>> = {
  pavement: "#56b4e9",
  carriageway: "#f0e442",
  crossing: "#e69f00",
  cycle_lane: "#1bc498",
  bus_stop: "#cc79a7",
  view: "#d5dbe2",
};

/** As people read it; a zone that is drawn is not the whole view. */
export function drawnKindName(kind: ZoneKind): string {
  return kind === "view" ? "other" : kindName(kind);
}

/** `Cycle lane 2` */
export function zoneName(kind: ZoneKind, serial: number): string {
  const plain = kind === "view" ? "view" : kindName(kind);
  return `${plain.charAt(0).toUpperCase()}${plain.slice(1)} ${serial}`;
}
