/** A camera's day in words, for those who cannot see its chart. */

import type { Day } from "./day.ts";
import { clock } from "./time.ts";

/** What the chart says, for those who cannot see it. */
export function chartSummary(day: Day, what: string, timezone: string, written: (mean: number) => string): string {
  const windows = day.runs.flat();
  const busiest = windows.toSorted((a, b) => b.mean - a.mean)[0];
  const gaps = day.gaps.length === 0 ? "" : `; ${day.gaps.length} gaps without data`;
  if (!busiest) return `${what} over the day: no data`;
  const most = `busiest at ${clock(busiest.start, timezone)} with ${written(busiest.mean)}`;
  return `${what} over the day: ${most}${outside(day)}${gaps}`;
}

/** How many of the windows counted lie outside of the usual range, where that is known. */
function outside(day: Day): string {
  const usual = new Map(day.usual.flat().map((each) => [each.start, each]));
  const compared = day.runs.flat().flatMap((each) => {
    const range = usual.get(each.start);
    return range ? [{ above: each.mean > range.high, below: each.mean < range.low }] : [];
  });
  if (compared.length === 0) return "";
  const [above, below] = [compared.filter((each) => each.above), compared.filter((each) => each.below)];
  return `; of ${compared.length} windows ${above.length} above and ${below.length} below the usual range`;
}
