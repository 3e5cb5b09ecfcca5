/** What the marks mean and, where the map is near enough to draw them, what the zones on the ground do. */

import { CLASS_COUNT, breaks, classLabels } from "./colours.ts";
import { densityBreaks } from "./densities.ts";
import { h, onThemeChange, prefersDark } from "./dom.ts";
import { noun, perArea } from "./format.ts";
import { MARK_SIZE, markSvg, zoneSvg } from "./marks.ts";
import type { Width } from "./types.ts";

const WIDTH_NAMES: Readonly<Record<Width, string>> = { "5m": "5 minutes", "15m": "15 minutes", "60m": "an hour" };
const CLASSES = Array.from({ length: CLASS_COUNT }, (_, index) => index);

export class Legend {
  readonly #root: HTMLElement;
  #shown: [string, Width] | null = null;
  #zones = false;

  constructor(root: HTMLElement) {
    this.#root = root;
    onThemeChange(() => this.#draw());
  }

  show(series: string, width: Width): void {
    this.#shown = [series, width];
    this.#draw();
  }

  /** Whether zones are drawn on the ground. */
  showZones(drawn: boolean): void {
    if (drawn === this.#zones) return;
    this.#zones = drawn;
    this.#draw();
  }

  #draw(): void {
    if (!this.#shown) return;
    const [series, width] = this.#shown;
    const detail = h("small", {}, ` mean of ${WIDTH_NAMES[width]}`);
    const [densities, numbers] = [classLabels(densityBreaks(series)), classLabels(breaks(series))];
    this.#root.replaceChildren(
      ...(this.#zones ? scale(perArea(series), densities, zoneMark, "no figure") : []),
      ...scale(`${noun(series)} in view`, numbers, cameraMark, "no data"),
    );
    this.#root.querySelector("h2")?.append(detail);
  }
}

type Mark = (index: number | null, partial: boolean) => SVGSVGElement;

function scale(title: string, labels: readonly string[], mark: Mark, missing: string): HTMLElement[] {
  const entry = (picture: SVGSVGElement, label: string, name = ""): HTMLElement =>
    h("li", { class: name }, picture, h("span", {}, label));
  return [
    h("h2", {}, title),
    h(
      "ul",
      {},
      ...CLASSES.map((index) => entry(mark(index, false), labels[index] ?? "")),
      entry(mark(3, true), "partial", "note"),
      entry(mark(null, false), missing, "note"),
    ),
  ];
}

function zoneMark(index: number | null, partial: boolean): SVGSVGElement {
  return zoneSvg(index, partial, prefersDark());
}

function cameraMark(index: number | null, partial: boolean): SVGSVGElement {
  const name = index === null ? "missing" : `class-${index}${partial ? "-partial" : ""}`;
  return markSvg(name, prefersDark(), Math.ceil(MARK_SIZE));
}
