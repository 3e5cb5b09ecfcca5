/** Whether an online basemap can be had. Where it cannot, the map stays as it is and nothing is said. */

import type { Basemap } from "./types.ts";

/** Ask for the tile of the whole world; false where none comes. */
export function reachable(basemap: Basemap): Promise<boolean> {
  if (!navigator.onLine) return Promise.resolve(false);
  const tile = basemap.url.replace("{z}", "0").replace("{x}", "0").replace("{y}", "0");
  return new Promise((resolve) => {
    const image = new Image();
    image.addEventListener("load", () => resolve(true));
    image.addEventListener("error", () => resolve(false));
    image.src = tile;
  });
}
