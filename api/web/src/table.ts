/** A camera's day as a table, for those who read numbers or listen to them. Filled when it is opened. */

import { within } from "./day.ts";
import { h } from "./dom.ts";
import { coverage, densityWithInterval, figure, percent, reasonOf, stateName } from "./format.ts";
import { type Span, clock } from "./time.ts";
import type { Reading } from "./types.ts";
import { indexWithInterval, usualRange } from "./usual.ts";

const FIRST = ["Time", "Mean", "Interval"] as const;
const LAST = ["Peak", "Standing still", "Coverage", "State"] as const;

export function readingsTable(readings: readonly Reading[], tz: string, stored: Span, open: boolean): HTMLElement {
  const details = h("details", { open }, h("summary", {}, "The day as a table"));
  const fill = (): void => {
    if (!details.open || details.querySelector("table")) return;
    const happened = readings.filter((reading) => within(reading, stored));
    const scroll = { class: "scroll", tabindex: 0, role: "region", "aria-label": "Readings" };
    details.append(h("div", scroll, table(happened, tz)));
  };
  details.addEventListener("toggle", fill);
  fill();
  return details;
}

function table(readings: readonly Reading[], tz: string): HTMLTableElement {
  const grounded = readings.some((reading) => reading.area_m2 !== null);
  const compared = readings.some((reading) => reading.baseline !== null);
  const usual = compared ? ["Usual (range)", "Against usual (interval)"] : [];
  const columns = [...FIRST, ...usual, ...(grounded ? ["Per 100 m² (interval)"] : []), ...LAST];
  const head = h("tr", {}, ...columns.map((name) => h("th", { scope: "col" }, name)));
  const rows = readings.map((reading) => {
    const reason = reasonOf(reading);
    const cells = [
      figure(reading.mean),
      reading.mean === null ? "—" : `${figure(reading.low)}–${figure(reading.high)}`,
      ...(compared ? [reading.baseline === null ? "—" : usualRange(reading), indexWithInterval(reading)] : []),
      ...(grounded ? [densityWithInterval(reading)] : []),
      figure(reading.peak),
      percent(reading.stationary_share),
      coverage(reading),
      reason ? `${stateName(reading.state)}: ${reason}` : stateName(reading.state),
    ];
    const time = clock(Date.parse(reading.start), tz);
    return h("tr", {}, h("th", { scope: "row" }, time), ...cells.map((cell) => h("td", {}, cell)));
  });
  return h("table", {}, h("thead", {}, head), h("tbody", {}, ...rows));
}
