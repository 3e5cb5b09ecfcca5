/** How long the background will take. */

import type { Gathering } from "./site.ts";

/** When we first saw the gathering, and how far it was then. */
export interface Began {
  readonly at: number;
  readonly clips: number;
}

/** `7 of 12 clips, about 20 min`: the time by how fast the clips came while we watched. */
export function progress({ clips, of }: Gathering, began: Began, now: number): string {
  const said = `${clips} of ${of} clips`;
  const come = clips - began.clips;
  if (come <= 0 || clips >= of) return said;
  const seconds = (((now - began.at) / come) * (of - clips)) / 1_000;
  return `${said}, about ${seconds < 90 ? `${Math.ceil(seconds / 10) * 10} s` : `${Math.round(seconds / 60)} min`}`;
}
