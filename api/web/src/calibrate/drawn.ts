/** The zones as the map shows them: on the ground, as far as they are near enough to be counted. */

import type { Draft } from "./draft.ts";
import type { Judgement } from "./site.ts";

export function onTheMap(draft: Draft, judgement: Judgement | null, chosen: number | null): GeoJSON.FeatureCollection {
  const features = draft.zones.flatMap(({ id, kind, name }, at): GeoJSON.Feature[] => {
    const outline = judgement?.zones.find((each) => each.id === id)?.outline;
    if (!outline) return [];
    const ring = [...outline, ...outline.slice(0, 1)].map(([lon, lat]) => [lon, lat]);
    const geometry: GeoJSON.Polygon = { type: "Polygon", coordinates: [ring] };
    return [{ type: "Feature", geometry, properties: { kind, name, chosen: at === chosen } }];
  });
  return { type: "FeatureCollection", features };
}
