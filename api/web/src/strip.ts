/** A camera's last day as a strip: live is a thin line, trouble a full bar, what is not known is left hatched. */

import { s } from "./dom.ts";
import { isTrouble, outageLabel, stripLabel } from "./health.ts";
import type { Span } from "./time.ts";
import type { Stretch } from "./types.ts";

const WIDTH = 480;
const HEIGHT = 18;
const LINE = 4;
/** An outage of a minute is to be seen too. */
const LEAST = 1.5;

export function strip(stretches: readonly Stretch[], span: Span, tz: string): SVGSVGElement {
  const x = (moment: number): number => ((moment - span.start) / (span.end - span.start)) * WIDTH;
  const bar = (each: Stretch): SVGElement => {
    const start = x(Date.parse(each.start));
    const full = isTrouble(each.state) || each.state === "waiting";
    const reason = each.reason === null ? "" : `: ${each.reason}`;
    return s(
      "rect",
      {
        class: each.state,
        x: start,
        y: full ? 0 : (HEIGHT - LINE) / 2,
        width: Math.max(LEAST, x(Date.parse(each.end)) - start),
        height: full ? HEIGHT : LINE,
      },
      s("title", {}, `${outageLabel(each, tz)}${reason}`),
    );
  };
  // Trouble lies over what is live, so that a short outage is not covered by its neighbours.
  const drawn = stretches.toSorted((a, b) => Number(isTrouble(a.state)) - Number(isTrouble(b.state)));
  return s(
    "svg",
    { class: "strip", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img" },
    s("title", {}, stripLabel(stretches, tz)),
    ...drawn.map(bar),
  );
}
