/** What can be said of a fit, in words and figures. */

import { type Draft, LEAST_POINTS } from "./draft.ts";
import type { Judgement, Site } from "./site.ts";
import { measured, metres } from "./written.ts";

interface Figure {
  readonly term: string;
  readonly figure: string;
  readonly title: string;
}

/** What the fit is like, of those figures that its method has. */
export function figures({ fit, height_m, height_error_m }: Judgement): Figure[] {
  if (!fit) return [];
  const { error_m, left_out_m } = fit.plane;
  const used = fit.points.filter((point) => point.used).length;
  const found: Figure[] = [];
  if (error_m !== null) {
    const title = "root mean square distance on the ground between the points and where the fit puts them";
    found.push({ term: "Error", figure: metres(error_m), title });
  }
  if (left_out_m !== null) {
    const title = "the same for each point, by the fit to all the others: how far off a new point would be";
    found.push({ term: "Left out", figure: metres(left_out_m), title });
  }
  if (height_m !== null) {
    const title = "by the fit, with its standard error: compare it with the mast";
    found.push({ term: "Camera height", figure: measured(height_m, height_error_m), title });
  }
  const term = fit.plane.method === "sizes" ? "Sizes used" : "Points used";
  found.push({ term, figure: `${used} of ${fit.points.length}`, title: "the others were outvoted" });
  return found;
}

/** What is still to be done before there is a fit, or null. */
export function missing(site: Site, draft: Draft): string | null {
  const count = draft.points.length;
  if (site.sizes !== null || count >= LEAST_POINTS) return null;
  if (count === 0) return "Not on the map yet: zones are counted, and there are no areas or densities.";
  return `${count} of ${LEAST_POINTS} points: the ground is fitted from the fourth on, and is better with six.`;
}
