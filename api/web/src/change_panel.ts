/** One change: what it is, where, and what it did, in words and as a plot. */

import * as api from "./api.ts";
import { changeKind, period } from "./change_words.ts";
import type { ChangesListener, ChangesView } from "./changes.ts";
import { describe, tryAgain } from "./cover.ts";
import { h } from "./dom.ts";
import { capital, noun } from "./format.ts";
import { dayLabel } from "./time.ts";
import type { Camera } from "./types.ts";
import type { EffectAnswer, Intervention, Share } from "./unusual_types.ts";
import { between, difference } from "./usual.ts";

export class ChangePanel {
  readonly #listener: ChangesListener;
  readonly #back = h("span");
  readonly #title = h("h2", { tabindex: -1 });
  readonly #about = h("div");
  readonly #effect = h("div", { class: "effect", "aria-live": "polite" });
  #shown = "";

  constructor(root: HTMLElement, listener: ChangesListener) {
    this.#listener = listener;
    const back = h("button", { type: "button", class: "back", onclick: () => listener.close() }, this.#back);
    root.replaceChildren(h("div", { class: "ways" }, back), this.#title, this.#about, this.#effect);
    root.addEventListener("keydown", (event) => {
      if (event.key === "Escape") listener.close();
    });
  }

  /** `from`: where it was opened, and is gone back to. */
  show(change: Intervention, from: string, view: ChangesView, focus: boolean): void {
    this.#back.textContent = `‹ ${from}`;
    this.#title.textContent = change.name;
    if (focus) this.#title.focus();
    const shown = JSON.stringify([change, view.series]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#about.replaceChildren(...this.#facts(change, view));
    void this.#load(change, view.series, shown);
  }

  hide(): void {
    this.#shown = "";
  }

  #facts(change: Intervention, { timezone, cameras }: ChangesView): HTMLElement[] {
    const { works_from, note } = change;
    const lines = [capital(`${changeKind(change)}, ${period(change, timezone)}`)];
    if (works_from !== null) lines.push(`Works began ${dayLabel(Date.parse(works_from), timezone)}: left out`);
    if (note !== null) lines.push(note);
    const zones = change.zones.map((zone) => h("li", {}, this.#place(zone, cameras)));
    return [
      ...lines.map((line) => h("p", { class: "subtitle" }, line)),
      h("h3", {}, "Where it should be seen"),
      h("ul", { class: "gaps" }, ...zones),
    ];
  }

  /** A zone by its camera's name, which can be opened where it is one of now. */
  #place(zone: string, cameras: ReadonlyMap<string, Camera>): HTMLElement {
    const camera = [...cameras.values()].find(({ zones }) => zones.includes(zone));
    if (!camera) return h("span", {}, `${zone} (no camera of now)`);
    const open = (): void => this.#listener.openCamera(camera.id, zone);
    return h("button", { type: "button", class: "link", onclick: open }, `${camera.name} (${zone})`);
  }

  async #load(change: Intervention, series: string, shown: string): Promise<void> {
    this.#effect.replaceChildren(h("p", { class: "loading" }, "Working out the effect…"));
    try {
      const effect = await api.effect(change.id, series);
      if (this.#shown === shown) this.#draw(change, series, effect);
    } catch (error) {
      if (this.#shown !== shown) return;
      const again = tryAgain(() => void this.#load(change, series, shown));
      this.#effect.replaceChildren(h("p", { class: "reason" }, `No effect to show: ${describe(error)}. `), again);
    }
  }

  #draw(change: Intervention, series: string, effect: EffectAnswer): void {
    const [headline = "", ...more] = effect.words;
    const src = api.effectPlotAddress(change.id, series);
    const plot = h("img", { class: "plot", src, alt: plotLabel(change, series, effect) });
    plot.addEventListener("error", () => plot.replaceWith(h("p", { class: "reason" }, "The plot could not be drawn.")));
    const own = effect.zones.map(({ zone, change: its, reason }) => `${zone}: ${its ? share(its) : reason}`);
    const alone = own.map((words) => h("li", {}, words));
    this.#effect.replaceChildren(
      h("h3", {}, `Effect on ${noun(series)}`),
      h("p", { class: `headline ${effect.verdict}` }, headline),
      ...(effect.weeks.length > 0 ? [plot] : []),
      ...(more.length === 0 ? [] : [h("h3", {}, "What it rests on")]),
      h("ul", { class: "gaps told" }, ...more.map((sentence) => h("li", {}, sentence))),
      ...(alone.length === 0 ? [] : [h("h3", {}, "Each zone by itself")]),
      h("ul", { class: "gaps" }, ...alone),
      h("p", {}, h("a", { href: api.effectAddress(change.id, series) }, "All figures (JSON)")),
    );
  }
}

/** `20% fewer (15% to 25% fewer)` */
function share({ change, low, high }: Share): string {
  return `${difference(1 + change)} (${between(1 + low, 1 + high)})`;
}

/** What the plot shows, for those who cannot see it. */
function plotLabel({ name }: Intervention, series: string, { words }: EffectAnswer): string {
  return `${capital(noun(series))} at ${name} by week, against what would have been without it. ${words[0] ?? ""}`;
}
