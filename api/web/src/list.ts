/** The cameras in words: what the map shows, for keyboard, screen reader and search. */

import { byId, h, prefersDark, onThemeChange } from "./dom.ts";
import type { Frame } from "./figures.ts";
import { densityFigure, figure, noun } from "./format.ts";
import { hotspotWords } from "./hotspots.ts";
import { MARK_SIZE, markSvg } from "./marks.ts";
import { SCALES, type Scale, markOf } from "./scales.ts";
import { type Camera, type Measure, type Reading, headlineZone } from "./types.ts";
import type { Hotspot } from "./unusual_types.ts";
import { sentence } from "./usual.ts";

export interface ListListener {
  open(camera: string): void;
  /** A camera's entry has the focus or the pointer, or none has. */
  point(camera: string | null): void;
}

interface Entry {
  readonly camera: Camera;
  readonly item: HTMLLIElement;
  readonly button: HTMLButtonElement;
  readonly icon: HTMLElement;
  readonly reason: HTMLElement;
  readonly value: HTMLElement;
  reading: Reading | undefined;
  hotspot: Hotspot | undefined;
  /** The mark that `icon` shows; drawn anew only when it is another. */
  mark: string;
}

export interface ListView {
  readonly frame: Frame;
  readonly series: string;
  readonly scale: Scale;
  /** The zones that are hotspots; null where that is not known. */
  readonly hotspots: ReadonlyMap<string, Hotspot> | null;
}

const TITLES: Readonly<Record<Measure, string>> = {
  index: "Cameras, furthest above usual first",
  number: "Cameras, busiest first",
  density: "Cameras, densest first",
};

const MOVES: Readonly<Record<string, (at: number, last: number) => number>> = {
  ArrowDown: (at, last) => Math.min(at + 1, last),
  ArrowUp: (at) => Math.max(at - 1, 0),
  PageDown: (at, last) => Math.min(at + 10, last),
  PageUp: (at) => Math.max(at - 10, 0),
  Home: () => 0,
  End: (_, last) => last,
};

export class CameraList {
  readonly #root = byId("list", HTMLUListElement);
  readonly #search = byId("search", HTMLInputElement);
  readonly #count = byId("count", HTMLElement);
  readonly #title = byId("cameras-title", HTMLElement);
  readonly #listener: ListListener;
  #entries: Entry[] = [];
  #series = "people";
  #scale: Scale = SCALES.index;

  constructor(listener: ListListener) {
    this.#listener = listener;
    this.#search.addEventListener("input", () => this.#filter());
    this.#search.addEventListener("keydown", (event) => {
      if (event.key === "ArrowDown") this.#focus(this.#shown()[0], event);
    });
    this.#root.addEventListener("keydown", (event) => this.#key(event));
    this.#root.addEventListener("focusout", () => listener.point(null));
    this.#root.addEventListener("pointerleave", () => listener.point(null));
    onThemeChange(() => this.#entries.forEach((entry) => this.#draw(Object.assign(entry, { mark: "" }))));
  }

  setCameras(cameras: readonly Camera[]): void {
    this.#entries = cameras.map((camera) => this.#entry(camera));
    this.#arrange();
    this.#filter();
  }

  /** New figures. The order stays while the reader is in the list, so nothing moves from under them. */
  show({ frame, series, scale, hotspots }: ListView): void {
    this.#series = series;
    this.#scale = scale;
    this.#title.textContent = TITLES[scale.measure];
    for (const entry of this.#entries) {
      entry.reading = frame.get(headlineZone(entry.camera) ?? "");
      entry.hotspot = entry.camera.zones.map((zone) => hotspots?.get(zone)).find((spot) => spot !== undefined);
      this.#draw(entry);
    }
    if (!this.#root.matches(":focus-within, :hover")) this.#arrange();
  }

  focusOn(camera: string): void {
    this.#entries.find((entry) => entry.camera.id === camera)?.button.focus();
  }

  #entry(camera: Camera): Entry {
    const icon = h("span", { class: "icon" });
    const reason = h("small");
    const value = h("span", { class: "figure" });
    const button = h(
      "button",
      {
        type: "button",
        tabindex: -1,
        onclick: () => this.#listener.open(camera.id),
        onfocus: () => this.#listener.point(camera.id),
        onpointerenter: (event) => {
          if ((event as PointerEvent).pointerType === "mouse") this.#listener.point(camera.id);
        },
      },
      icon,
      h("span", { class: "name" }, camera.name, reason),
      value,
    );
    const item = h("li", { "data-camera": camera.id }, button);
    const parts = { camera, item, button, icon, reason, value };
    const entry: Entry = { ...parts, reading: undefined, hotspot: undefined, mark: "" };
    this.#draw(entry);
    return entry;
  }

  #draw(entry: Entry): void {
    const { camera, button, reading, hotspot } = entry;
    const [scale, series] = [this.#scale, this.#series];
    const value = reading ? scale.value(reading) : null;
    const unusual = hotspot ? `, hotspot: ${hotspotWords(hotspot)}` : "";
    button.setAttribute("aria-label", `${sentence(camera, reading, series)}${unusual}`);
    button.classList.toggle("missing", value === null);
    entry.reason.textContent = value === null ? scale.gap(reading) : beside(reading, scale, series);
    entry.value.textContent = value === null ? without(reading, scale) : scale.figure(value);
    const mark = markOf(reading, scale, series);
    if (mark === entry.mark) return;
    entry.mark = mark;
    entry.icon.replaceChildren(markSvg(mark, prefersDark(), Math.ceil(MARK_SIZE)));
  }

  /** The largest first, then those counted without such a figure, then those without data; equal ones by name. */
  #arrange(): void {
    const rank = ({ reading }: Entry): number => {
      if (!reading || reading.mean === null) return -2;
      return this.#scale.value(reading) ?? -1;
    };
    const names = new Intl.Collator("en-GB", { numeric: true });
    this.#entries.sort((a, b) => rank(b) - rank(a) || names.compare(a.camera.name, b.camera.name));
    this.#root.replaceChildren(...this.#entries.map((entry) => entry.item));
    this.#oneStop();
  }

  #filter(): void {
    const wanted = this.#search.value.trim().toLocaleLowerCase();
    for (const { camera, item } of this.#entries) {
      item.hidden = !`${camera.name} ${camera.id}`.toLocaleLowerCase().includes(wanted);
    }
    const shown = this.#shown().length;
    const all = this.#entries.length;
    const cameras = all === 1 ? "camera" : "cameras";
    this.#count.textContent = shown === all ? `${all} ${cameras}` : `${shown} of ${all} ${cameras}`;
    this.#oneStop();
  }

  #shown(): Entry[] {
    return this.#entries.filter((entry) => !entry.item.hidden);
  }

  /** The list is one stop of the Tab key; arrows move within it. */
  #oneStop(): void {
    const focused = this.#entries.find((entry) => entry.button === document.activeElement);
    const stop = focused ?? this.#shown()[0];
    for (const entry of this.#entries) entry.button.tabIndex = entry === stop ? 0 : -1;
  }

  #key(event: KeyboardEvent): void {
    const shown = this.#shown();
    const at = shown.findIndex((entry) => entry.button === document.activeElement);
    const move = MOVES[event.key];
    if (move && at >= 0) this.#focus(shown[move(at, shown.length - 1)], event);
  }

  #focus(entry: Entry | undefined, event: KeyboardEvent): void {
    event.preventDefault();
    entry?.button.focus();
    this.#oneStop();
  }
}

/** What else is told of a camera, in small: of an index what it is made of, of a number how dense that is. */
function beside(reading: Reading | undefined, { measure }: Scale, series: string): string {
  if (!reading) return "";
  const { mean, density_per_100m2, baseline } = reading;
  if (measure === "index") return `${figure(mean)} ${noun(series)}, usual ${figure(baseline)}`;
  if (measure === "density") return `${figure(mean)} ${noun(series)}`;
  return density_per_100m2 === null ? "" : `${densityFigure(density_per_100m2)} per 100 m²`;
}

/** What stands in the place of a figure: without an index or a density there can still be a number. */
function without(reading: Reading | undefined, { measure }: Scale): string {
  if (!reading || reading.mean === null) return "no data";
  return measure === "density" ? "no density" : "not known";
}
