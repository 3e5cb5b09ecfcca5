/** What zones on the ground are filled with, by name: pictures of `marks.ts` over the same colours of `style.ts`. */

import { CLASSES, SCALES, type Scale } from "./scales.ts";
import type { Measure } from "./types.ts";

/** The measures that zones are filled by. */
const FILLING = ["index", "density"] as const satisfies readonly Measure[];

export const NO_FIGURE = "no-figure";

export function fillName({ measure }: Scale, index: number | null): string {
  return index === null ? NO_FIGURE : `fill-${measure}-${index}`;
}

/** The colour of each; `ground` is that of what hatching lies on. */
export function fillColours(dark: boolean, ground: string): ReadonlyMap<string, string> {
  const scales = FILLING.map((measure) => SCALES[measure]);
  const classes = scales.flatMap((scale) =>
    CLASSES.map((index): [string, string] => [fillName(scale, index), scale.colour(index, dark)]),
  );
  return new Map([...classes, [NO_FIGURE, ground]]);
}
