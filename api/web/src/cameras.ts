/** The cameras as the page keeps them. */

import type { Camera } from "./types.ts";

export function byCamera(cameras: readonly Camera[]): ReadonlyMap<string, Camera> {
  return new Map(cameras.map((camera) => [camera.id, camera]));
}

/** What the list and the map are made anew for, where it is another. */
export function placed(cameras: Iterable<Camera>): string {
  return JSON.stringify([...cameras].map(({ id, name, lat, lon, zones }) => [id, name, lat, lon, zones]));
}
