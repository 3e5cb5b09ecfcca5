/** From the picture to the map and back, by a fitted plane: to show what belongs together, not to measure by. */

import type { GroundPlane, Place, PointPx, Site } from "./site.ts";

const EQUATOR_M = 6_378_137;
const FLATTENING = 1 / 298.257223563;
const NEWTON_STEPS = 8;

type Matrix = readonly number[];

function times(matrix: Matrix, x: number, y: number): [number, number, number] {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0, i = 0] = matrix;
  return [a * x + b * y + c, d * x + e * y + f, g * x + h * y + i];
}

/** The adjugate: the inverse of a 3x3 matrix but for its scale, and the determinant. */
function inverse(matrix: Matrix): { readonly adjugate: Matrix; readonly determinant: number } {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0, i = 0] = matrix;
  const adjugate = [
    e * i - f * h, c * h - b * i, b * f - c * e,
    f * g - d * i, a * i - c * g, c * d - a * f,
    d * h - e * g, b * g - a * h, a * e - b * d,
  ];
  return { adjugate, determinant: a * (adjugate[0] ?? 0) + b * (adjugate[3] ?? 0) + c * (adjugate[6] ?? 0) };
}

export class Plane {
  readonly #plane: GroundPlane;
  readonly #center: PointPx;
  readonly #halfDiagonal: number;
  readonly #perLon: number;
  readonly #perLat: number;

  constructor(plane: GroundPlane, { width, height }: Pick<Site, "width" | "height">) {
    this.#plane = plane;
    this.#center = [width / 2, height / 2];
    this.#halfDiagonal = Math.hypot(width, height) / 2;
    // Metres to a degree, by the ellipsoid's radii of curvature at the origin: `core.ground.LocalFrame`.
    const squared = FLATTENING * (2 - FLATTENING);
    const latitude = (plane.lat * Math.PI) / 180;
    const bent = 1 - squared * Math.sin(latitude) ** 2;
    this.#perLon = ((EQUATOR_M / Math.sqrt(bent)) * Math.cos(latitude) * Math.PI) / 180;
    this.#perLat = ((EQUATOR_M * (1 - squared)) / bent ** 1.5) * (Math.PI / 180);
  }

  /** Where on the map a place of the picture is; null at and beyond the horizon. */
  toMap(px: PointPx): Place | null {
    const [x, y] = this.#straight(px);
    const [east, north, w] = times(this.#plane.image_to_ground, x, y);
    if (w <= 0) return null;
    return [this.#plane.lon + east / w / this.#perLon, this.#plane.lat + north / w / this.#perLat];
  }

  /** Where in the picture a place of the map is; null where it is behind the camera. */
  toPicture(lat: number, lon: number): PointPx | null {
    const east = (lon - this.#plane.lon) * this.#perLon;
    const north = (lat - this.#plane.lat) * this.#perLat;
    const { adjugate, determinant } = inverse(this.#plane.image_to_ground);
    const [x, y, w] = times(adjugate, east, north);
    // (x, y, w) is the homogeneous pixel times det / w of the ground: that w is positive in front of the camera.
    if (w === 0 || determinant / w <= 0) return null;
    return this.#bent([x / w, y / w]);
  }

  /** Where a place would be seen through a lens that bends nothing: at r (1 + k1 r^2), r in half diagonals. */
  #straight([x, y]: PointPx): PointPx {
    const [cx, cy] = this.#center;
    const r = Math.hypot(x - cx, y - cy) / this.#halfDiagonal;
    const factor = 1 + this.#plane.lens_k1 * r * r;
    return [cx + (x - cx) * factor, cy + (y - cy) * factor];
  }

  /** The inverse of `#straight`, by Newton's method. */
  #bent([x, y]: PointPx): PointPx {
    const [cx, cy] = this.#center;
    const wanted = Math.hypot(x - cx, y - cy) / this.#halfDiagonal;
    if (this.#plane.lens_k1 === 0 || wanted === 0) return [x, y];
    let r = wanted;
    for (let step = 0; step < NEWTON_STEPS; step += 1) {
      const off = r * (1 + this.#plane.lens_k1 * r * r) - wanted;
      r -= off / (1 + 3 * this.#plane.lens_k1 * r * r);
    }
    return [cx + ((x - cx) * r) / wanted, cy + ((y - cy) * r) / wanted];
  }
}
