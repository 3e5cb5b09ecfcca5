/** The map as it begins, and what lies under the cameras. */

import * as api from "./api.ts";
import { reachable } from "./basemap.ts";
import { byId } from "./dom.ts";
import { CityMap, type MapListener } from "./map.ts";
import type { About } from "./types.ts";

/** Null where the browser cannot draw it: the lists work without. */
export function cityMap(listener: MapListener): CityMap | null {
  const place = byId("map", HTMLElement);
  try {
    return new CityMap(place, listener);
  } catch {
    place.replaceChildren("This browser cannot draw the map (no WebGL). The list of cameras works without it.");
    document.body.classList.add("mapless");
    return null;
  }
}

/** Outlines and, where it can be had, the basemap; the page works without either. */
export async function lay(map: CityMap, about: About): Promise<void> {
  const shapes = about.outlines ? await api.outlines().catch(() => null) : null;
  if (shapes) map.outline(shapes);
  if (about.basemap && (await reachable(about.basemap))) map.useBasemap(about.basemap);
}
