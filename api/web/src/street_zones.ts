/** The zones on the ground, where the map is near enough to draw them. */

import type { Frame } from "./figures.ts";
import type { Legend } from "./legend.ts";
import type { CityMap } from "./map.ts";
import { anyWithin, calibratedNear, zoneFeatures } from "./street.ts";
import type { Camera, Measure } from "./types.ts";
import type { Zones } from "./zones.ts";

export interface StreetShown {
  readonly cameras: ReadonlyMap<string, Camera>;
  readonly frame: Frame;
  readonly series: string;
  readonly measure: Measure;
}

/** `shown` is asked again once the zones are here: the reader may have gone on. */
export async function showStreet(map: CityMap, zones: Zones, legend: Legend, shown: () => StreetShown): Promise<void> {
  const near = (): string[] => {
    const street = map.street();
    return street ? calibratedNear(shown().cameras.values(), street).map(({ id }) => id) : [];
  };
  await zones.load(near()).catch(() => undefined); // those known before are good still
  const street = map.street();
  const found = near().flatMap((camera) => zones.of(camera));
  legend.showZones(street !== null && anyWithin(found, street));
  const { frame, series, measure } = shown();
  if (street) map.showZones(zoneFeatures(found, frame, series, measure));
}
