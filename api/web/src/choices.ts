/** What is counted, and over how long. */

import { byId, h } from "./dom.ts";
import { noun } from "./format.ts";
import type { View } from "./hash.ts";
import { WIDTHS, type Width } from "./types.ts";

const SUMS = ["people", "vehicles"] as const;

export class Choices {
  readonly #series = byId("series", HTMLSelectElement);
  readonly #width = byId("width", HTMLFieldSetElement);

  constructor(change: (patch: Partial<View>) => void) {
    this.#series.addEventListener("change", () => change({ series: this.#series.value }));
    this.#width.addEventListener("change", (event) => {
      const value = (event.target as HTMLInputElement).value;
      const width = WIDTHS.find((each) => each === value);
      if (width) change({ width });
    });
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

  show(series: string, width: Width): void {
    this.#series.value = series;
    for (const radio of this.#width.querySelectorAll("input")) radio.checked = radio.value === width;
  }
}
