/** A camera's day as a table, for those who read numbers or listen to them. Filled when it is opened. */

import { within } from "./day.ts";
import { h } from "./dom.ts";
import { coverage, figure, percent, reasonOf, stateName } from "./format.ts";
import { type Span, clock } from "./time.ts";
import type { Reading } from "./types.ts";

const COLUMNS = ["Time", "Mean", "Interval", "Peak", "Standing still", "Coverage", "State"] as const;

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
  const head = h("tr", {}, ...COLUMNS.map((name) => h("th", { scope: "col" }, name)));
  const rows = readings.map((reading) => {
    const reason = reasonOf(reading);
    const cells = [
      figure(reading.mean),
      reading.mean === null ? "—" : `${figure(reading.low)}–${figure(reading.high)}`,
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
