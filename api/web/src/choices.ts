/** What is counted, over how long, and how it is shown. */

import { byId, h } from "./dom.ts";
import { noun } from "./format.ts";
import type { View } from "./hash.ts";
import { MEASURES, type Measure, WIDTHS } from "./types.ts";

const SUMS = ["people", "vehicles"] as const;

const MEASURE_NAMES: Readonly<Record<Measure, string>> = {
  index: "Against usual",
  number: "Number",
  density: "Per 100 m²",
};

export class Choices {
  readonly #series = byId("series", HTMLSelectElement);
  readonly #width = byId("width", HTMLFieldSetElement);
  readonly #measure = byId("measure", HTMLFieldSetElement);
  readonly #hotspots = byId("hotspots", HTMLInputElement);

  constructor(change: (patch: Partial<View>) => void) {
    this.#series.addEventListener("change", () => change({ series: this.#series.value }));
    this.#width.addEventListener("change", (event) => {
      const value = (event.target as HTMLInputElement).value;
      const width = WIDTHS.find((each) => each === value);
      if (width) change({ width });
    });
    this.#hotspots.addEventListener("change", () => change({ hotspots: this.#hotspots.checked }));
    for (const measure of MEASURES) {
      const radio = h("input", { type: "radio", name: "measure", value: measure, onchange: () => change({ measure }) });
      this.#measure.append(h("label", {}, radio, h("span", {}, MEASURE_NAMES[measure])));
    }
    for (const width of WIDTHS) {
      const radio = h("input", { type: "radio", name: "width", value: width });
      const name = h("span", {}, width.replace("m", ""), h("span", { class: "unit" }, " min"));
      this.#width.append(h("label", {}, radio, name));
    }
  }

  /** The series there are: the sums first, then the single classes. */
  offer(series: readonly string[]): void {
    const option = (value: string): HTMLOptionElement => h("option", { value }, noun(value));
    const sums = series.filter((each) => SUMS.some((sum) => sum === each));
    const single = series.filter((each) => !sums.includes(each));
    this.#series.replaceChildren(
      h("optgroup", { label: "Together" }, ...sums.map(option)),
      h("optgroup", { label: "One kind" }, ...single.map(option)),
    );
  }

  show({ series, width, measure, hotspots }: View): void {
    this.#series.value = series;
    for (const radio of this.#width.querySelectorAll("input")) radio.checked = radio.value === width;
    for (const radio of this.#measure.querySelectorAll("input")) radio.checked = radio.value === measure;
    this.#hotspots.checked = hotspots;
  }
}
