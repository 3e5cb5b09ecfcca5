/** Where the name of an outlined area is written. */

type Ring = readonly GeoJSON.Position[];

/** The centroid of a closed ring by the shoelace formula, in the ring's own units. */
export function centroid(ring: Ring): [number, number] {
  const [originX = 0, originY = 0] = ring[0] ?? [];
  let twiceArea = 0;
  let x = 0;
  let y = 0;
  for (let at = 0; at + 1 < ring.length; at += 1) {
    const [ax = 0, ay = 0] = ring[at] ?? [];
    const [bx = 0, by = 0] = ring[at + 1] ?? [];
    const cross = (ax - originX) * (by - originY) - (bx - originX) * (ay - originY);
    twiceArea += cross;
    x += (ax + bx - 2 * originX) * cross;
    y += (ay + by - 2 * originY) * cross;
  }
  if (twiceArea === 0) return [originX, originY];
  return [originX + x / (3 * twiceArea), originY + y / (3 * twiceArea)];
}

function outerRing(shape: GeoJSON.Geometry): Ring | undefined {
  if (shape.type === "Polygon") return shape.coordinates[0];
  if (shape.type !== "MultiPolygon") return undefined;
  const rings = shape.coordinates.map((polygon) => polygon[0] ?? []);
  return rings.toSorted((a, b) => b.length - a.length)[0];
}

/** One point with a name for each named area. */
export function labelPoints(shapes: GeoJSON.FeatureCollection): GeoJSON.FeatureCollection {
  const features = shapes.features.flatMap((feature): GeoJSON.Feature[] => {
    const name: unknown = feature.properties?.["name"];
    const ring = feature.geometry ? outerRing(feature.geometry) : undefined;
    if (typeof name !== "string" || !ring) return [];
    return [{ type: "Feature", geometry: { type: "Point", coordinates: centroid(ring) }, properties: { name } }];
  });
  return { type: "FeatureCollection", features };
}
