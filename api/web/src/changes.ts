/** What was changed in the streets: listed, marked on the map, and with what each change did. */

import * as api from "./api.ts";
import { ChangePanel } from "./change_panel.ts";
import { changeKind, period } from "./change_words.ts";
import { describe, tryAgain } from "./cover.ts";
import { byId, h } from "./dom.ts";
import type { Camera } from "./types.ts";
import type { Intervention } from "./unusual_types.ts";

export interface ChangesListener {
  open(change: string): void;
  close(): void;
  openCamera(camera: string, zone: string): void;
  /** A change has the focus or the pointer, or none has. */
  point(change: Intervention | null): void;
  /** They are known, or others than before. */
  loaded(): void;
}

export interface ChangesView {
  readonly series: string;
  readonly timezone: string;
  readonly cameras: ReadonlyMap<string, Camera>;
}

export class Changes {
  readonly #listener: ChangesListener;
  readonly #words = h("p", { class: "words", role: "status" }, "Loading…");
  readonly #list = h("ul", { class: "ranked" });
  readonly #panel: ChangePanel;
  #all: readonly Intervention[] = [];
  #drawn = "";
  /** The service has no such answers: it is not asked again. */
  #missing = false;

  constructor(listener: ChangesListener) {
    this.#listener = listener;
    this.#panel = new ChangePanel(byId("change", HTMLElement), listener);
    this.#list.addEventListener("focusout", () => listener.point(null));
    this.#list.addEventListener("pointerleave", () => listener.point(null));
    const title = h("h2", {}, "What was changed, and did it work?");
    byId("changes", HTMLElement).replaceChildren(title, this.#words, this.#list);
  }

  get(id: string): Intervention | null {
    return this.#all.find((each) => each.id === id) ?? null;
  }

  any(): boolean {
    return this.#all.length > 0;
  }

  /** The marks on the map. */
  features(): GeoJSON.FeatureCollection {
    const features = this.#all.map(({ id, name, lon, lat }): GeoJSON.Feature => {
      return { type: "Feature", geometry: { type: "Point", coordinates: [lon, lat] }, properties: { id, name } };
    });
    return { type: "FeatureCollection", features };
  }

  /** Ask for them; those known before stay where there is no answer. */
  async load(timezone: string): Promise<void> {
    if (this.#missing) return;
    try {
      this.#all = (await api.interventions()).toSorted((a, b) => b.start.localeCompare(a.start));
    } catch (error) {
      this.#missing = error instanceof api.Problem && error.status === 404;
      if (this.#all.length === 0) this.#fail(describe(error), timezone);
      return;
    }
    const drawn = JSON.stringify([this.#all, timezone]);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    this.#draw(timezone);
    this.#listener.loaded();
  }

  /** Open one over the lists; `from` is where it was opened, and is gone back to. */
  show(change: Intervention, from: string, view: ChangesView, focus: boolean): void {
    this.#panel.show(change, from, view, focus);
  }

  hide(): void {
    this.#panel.hide();
  }

  focusOn(id: string): void {
    this.#list.querySelector<HTMLButtonElement>(`[data-change="${CSS.escape(id)}"] button`)?.focus();
  }

  #fail(reason: string, timezone: string): void {
    this.#words.replaceChildren(`Not available: ${reason}. `);
    if (!this.#missing) this.#words.append(tryAgain(() => void this.load(timezone)));
  }

  #draw(timezone: string): void {
    const none = "Nothing is registered. An operator adds what was changed, with `busyness interventions` or the API.";
    this.#words.textContent = this.#all.length === 0 ? none : "Choose one to see its effect.";
    this.#list.replaceChildren(...this.#all.map((change) => this.#entry(change, timezone)));
  }

  #entry(change: Intervention, timezone: string): HTMLElement {
    const point = (event: Event): void => {
      if (!(event instanceof PointerEvent) || event.pointerType === "mouse") this.#listener.point(change);
    };
    const about = `${changeKind(change)} · ${period(change, timezone)}`;
    const open = (): void => this.#listener.open(change.id);
    const button = h(
      "button",
      { type: "button", onclick: open, onfocus: point, onpointerenter: point },
      h("span", { class: "name" }, change.name, h("small", {}, about)),
    );
    return h("li", { "data-change": change.id }, button);
  }
}
