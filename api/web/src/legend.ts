/** What the marks mean. */

import { CLASS_COUNT, classLabels } from "./colours.ts";
import { h, onThemeChange, prefersDark } from "./dom.ts";
import { noun } from "./format.ts";
import { MARK_SIZE, markSvg } from "./marks.ts";
import type { Width } from "./types.ts";

const WIDTH_NAMES: Readonly<Record<Width, string>> = { "5m": "5 minutes", "15m": "15 minutes", "60m": "an hour" };

export class Legend {
  readonly #root: HTMLElement;
  #shown: [string, Width] | null = null;

  constructor(root: HTMLElement) {
    this.#root = root;
    onThemeChange(() => {
      if (this.#shown) this.show(...this.#shown);
    });
  }

  show(series: string, width: Width): void {
    this.#shown = [series, width];
    const entry = (mark: string, label: string, name = ""): HTMLElement =>
      h("li", { class: name }, markSvg(mark, prefersDark(), Math.ceil(MARK_SIZE)), h("span", {}, label));
    const labels = classLabels(series);
    const classes = Array.from({ length: CLASS_COUNT }, (_, index) => entry(`class-${index}`, labels[index] ?? ""));
    this.#root.replaceChildren(
      h("h2", {}, `${noun(series)} in view`, h("small", {}, ` mean of ${WIDTH_NAMES[width]}`)),
      h(
        "ul",
        {},
        ...classes,
        entry("class-3-partial", "partial", "note"),
        entry("missing", "no data", "note"),
      ),
    );
  }
}
