/** The zones of the open camera with their figures in the window shown; one of them is chosen. */

import { densityGap } from "./densities.ts";
import { h } from "./dom.ts";
import type { Frame } from "./figures.ts";
import { densityFigure, figure, noun, reasonOf } from "./format.ts";
import { indexGap } from "./indices.ts";
import type { Zone } from "./types.ts";
import { indexFigure } from "./usual.ts";

interface Row {
  readonly zone: string;
  readonly radio: HTMLInputElement;
  readonly mean: HTMLTableCellElement;
  readonly index: HTMLTableCellElement;
  readonly density: HTMLTableCellElement;
}

export interface ZoneListView {
  readonly zones: readonly Zone[];
  readonly zone: string;
  readonly series: string;
  readonly now: Frame;
}

export class ZoneList {
  readonly element = h("div", { class: "zones" });
  readonly #choose: (zone: string) => void;
  readonly #counted = h("th", { scope: "col" });
  #drawn = "";
  #rows: readonly Row[] = [];

  constructor(choose: (zone: string) => void) {
    this.#choose = choose;
  }

  /** Figures are written into the rows that are there, so that the one with the focus keeps it. */
  show({ zones, zone, series, now }: ZoneListView): void {
    const several = zones.length > 1 ? zones : [];
    this.element.hidden = several.length === 0;
    const compared = several.some(({ id }) => now.get(id)?.index != null);
    const drawn = JSON.stringify([compared, several.map(({ id, name, area_m2 }) => [id, name, area_m2 !== null])]);
    if (drawn !== this.#drawn) this.#draw(several, compared);
    this.#drawn = drawn;
    this.#counted.textContent = noun(series);
    for (const row of this.#rows) {
      const reading = now.get(row.zone);
      row.radio.checked = row.zone === zone;
      row.mean.textContent = figure(reading?.mean ?? null);
      row.mean.title = reading?.mean == null ? reasonOf(reading) : "";
      row.index.textContent = indexFigure(reading?.index ?? null);
      row.index.title = indexGap(reading);
      row.density.textContent = densityFigure(reading?.density_per_100m2 ?? null);
      row.density.title = densityGap(reading);
    }
  }

  /** `compared`: whether what is usual is known of any. */
  #draw(zones: readonly Zone[], compared: boolean): void {
    const grounded = zones.some((zone) => zone.area_m2 !== null);
    this.#rows = zones.map(({ id }) => {
      const radio = h("input", { type: "radio", name: "zone", value: id, onchange: () => this.#choose(id) });
      return { zone: id, radio, mean: h("td"), index: h("td"), density: h("td") };
    });
    const rows = this.#rows.map(({ radio, mean, index, density }, at) => {
      const name = h("th", { scope: "row" }, h("label", {}, radio, zones[at]?.name ?? ""));
      return h("tr", {}, name, mean, compared && index, grounded && density);
    });
    const densities = grounded && h("th", { scope: "col" }, "per 100 m²");
    const usual = compared && h("th", { scope: "col" }, "× usual");
    const head = h("tr", {}, h("th", { scope: "col" }, "Zone"), this.#counted, usual, densities);
    this.element.replaceChildren(h("table", {}, h("thead", {}, head), h("tbody", {}, ...rows)));
  }
}
