/** What the marks mean, and the zones on the ground where the map is near enough to draw them, and the hotspots. */

import { h, onThemeChange, prefersDark, s } from "./dom.ts";
import { MARK_SIZE, changeSvg, markSvg, zoneSvg } from "./marks.ts";
import { CLASSES, SCALES, type Scale } from "./scales.ts";
import type { Width } from "./types.ts";
import { type Direction, HEXAGON_OPACITY, LINES, directionColour } from "./unusual_layers.ts";

const WIDTH_NAMES: Readonly<Record<Width, string>> = { "5m": "5 minutes", "15m": "15 minutes", "60m": "an hour" };

export interface LegendView {
  readonly scale: Scale;
  readonly series: string;
  readonly width: Width;
  /** Why another measure is shown than the one asked for; null where it is that one. */
  readonly instead: string | null;
  /** What is to be said of the hotspots, and whether any are drawn; null where they are off. */
  readonly hotspots: { readonly words: string; readonly drawn: boolean } | null;
  /** Whether changes are marked on the map. */
  readonly changes: boolean;
}

export class Legend {
  readonly #root: HTMLElement;
  #view: LegendView | null = null;
  #zones = false;
  #drawn = "";

  constructor(root: HTMLElement) {
    this.#root = root;
    onThemeChange(() => this.#draw());
  }

  show(view: LegendView): void {
    this.#view = view;
    this.#draw();
  }

  /** Whether zones are drawn on the ground. */
  showZones(drawn: boolean): void {
    if (drawn === this.#zones) return;
    this.#zones = drawn;
    this.#draw();
  }

  #draw(): void {
    const view = this.#view;
    if (!view) return;
    const { scale, series, width, instead, hotspots, changes } = view;
    const about = [scale.measure, series, width, instead, hotspots, changes];
    const drawn = JSON.stringify([...about, this.#zones, prefersDark()]);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    const numbered = scale.measure === "number";
    this.#root.replaceChildren(
      ...(this.#zones && numbered ? [scaleOf(SCALES.density, series, zoneMark, "no figure")] : []),
      scaleOf(scale, series, cameraMark, "no data"),
      ...(instead === null ? [] : [h("p", { class: "reason" }, `${instead}.`)]),
      ...(hotspots === null ? [] : hotspotLegend(hotspots)),
      ...(changes ? [h("p", { class: "changed" }, changeSvg(prefersDark()), "a change made in the street")] : []),
    );
    this.#root.querySelector("h2")?.append(h("small", {}, ` mean of ${WIDTH_NAMES[width]}`));
  }
}

type Mark = (scale: Scale, index: number | null, partial: boolean) => SVGSVGElement;

function entry(picture: SVGSVGElement, label: string, name = ""): HTMLElement {
  return h("li", { class: name || null }, picture, h("span", {}, label));
}

/** A measure whose figure can be wanting where something was counted has a mark for that too. */
function scaleOf(scale: Scale, series: string, mark: Mark, missing: string): HTMLElement {
  const labels = scale.labels(series);
  const wanting = { index: "not enough history", density: "not calibrated", number: null }[scale.measure];
  const unknown = mark === cameraMark && wanting !== null;
  return h(
    "div",
    { class: "scale" },
    h("h2", {}, scale.title(series)),
    h(
      "ul",
      {},
      ...CLASSES.map((index) => entry(mark(scale, index, false), labels[index] ?? "")),
      entry(mark(scale, scale.partialExample, true), "partial", "note"),
      unknown && entry(markSvg("unknown", prefersDark(), Math.ceil(MARK_SIZE)), wanting, "note"),
      entry(mark(scale, null, false), missing, "note"),
    ),
  );
}

function zoneMark(scale: Scale, index: number | null, partial: boolean): SVGSVGElement {
  return zoneSvg(scale, index, partial, prefersDark());
}

function cameraMark(scale: Scale, index: number | null, partial: boolean): SVGSVGElement {
  const name = index === null ? "missing" : `${scale.measure}-${index}${partial ? "-partial" : ""}`;
  return markSvg(name, prefersDark(), Math.ceil(MARK_SIZE));
}

const DIRECTIONS = [
  ["too_busy", "busier"],
  ["too_quiet", "quieter"],
] as const satisfies readonly (readonly [Direction, string])[];

function hotspotLegend({ words, drawn }: { words: string; drawn: boolean }): HTMLElement[] {
  if (!drawn) return [h("p", { class: "words" }, h("strong", {}, "Hotspots: "), words)];
  const entries = DIRECTIONS.flatMap(([direction, name]) =>
    LINES.map(({ confidence, width, dash }, at) => {
      const label = `${at === 0 ? `${name} ` : ""}${Math.round(confidence * 100)}%`;
      return entry(hexagonSvg(direction, width, dash), label);
    }),
  );
  const title = h("h2", {}, "Hotspots", h("small", {}, "unusual with those around it, by confidence"));
  return [h("div", { class: "hotspots" }, title, h("ul", {}, ...entries)), h("p", { class: "words" }, words)];
}

function hexagonSvg(direction: Direction, width: number, dash: readonly number[] | null): SVGSVGElement {
  const colour = directionColour(direction, prefersDark());
  const about = { class: "swatch", width: 26, height: 22, viewBox: "0 0 26 22", "aria-hidden": "true" };
  const dashes = dash?.map((each) => each * width).join(" ") ?? null;
  const line = { stroke: colour, "stroke-width": width, "stroke-dasharray": dashes };
  const paint = { fill: colour, "fill-opacity": HEXAGON_OPACITY, ...line };
  return s("svg", about, s("path", { d: "M7.5 2H18.5L24 11L18.5 20H7.5L2 11z", ...paint }));
}
