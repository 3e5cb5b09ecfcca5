/** What the file says of sizes in the scene: shown, and edited in the file. */

import { byId, h } from "../dom.ts";
import type { Judgement, KnownSizes } from "./site.ts";
import { metres } from "./written.ts";

interface Known {
  readonly what: string;
  readonly how: string;
}

export function known({ lengths, heights, parallels }: KnownSizes): Known[] {
  return [
    ...lengths.map(({ what, length_m, error_m }) => ({ what, how: `${metres(length_m)} ± ${metres(error_m)} long` })),
    ...heights.map(({ what, height_m, error_m }) => ({ what, how: `${metres(height_m)} ± ${metres(error_m)} high` })),
    ...parallels.map(({ what, lines, bearing_deg }) => ({
      what,
      how: `${lines.length} parallel lines${bearing_deg === null ? "" : `, towards ${bearing_deg}°`}`,
    })),
  ];
}

/** Show the sizes and how far the fit is off at each. */
export function showSizes(sizes: KnownSizes | null, judgement: Judgement | null): void {
  byId("sizes", HTMLElement).hidden = sizes === null;
  if (sizes === null) return;
  const rows = known(sizes).map(({ what, how }) => {
    const error = judgement?.fit?.points.find((each) => each.what === what);
    const off = error ? `${error.error_px.toFixed(1)} px` : "—";
    return h("tr", {}, h("th", { scope: "row" }, what), h("td", {}, how), h("td", { class: "figure" }, off));
  });
  byId("sizes-rows", HTMLTableSectionElement).replaceChildren(...rows);
}
