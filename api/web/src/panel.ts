/** One camera: its figures in the window shown, and its day as a chart. */

import { csvAddress } from "./api.ts";
import { tryAgain } from "./cover.ts";
import { DayChart } from "./chart.ts";
import { chartSummary } from "./chart_words.ts";
import { type Gap, takeApart } from "./day.ts";
import { densityBreaks } from "./densities.ts";
import { h } from "./dom.ts";
import type { Frame } from "./figures.ts";
import { cadence, capital, densityFigure, figure, noun, perArea, tooNarrow, ungrounded } from "./format.ts";
import { groundNotes } from "./grounding.ts";
import { isTrouble, moment as momentOfDay } from "./health.ts";
import { readout } from "./readout.ts";
import { readingsTable } from "./table.ts";
import { type Span, clock, dayBounds, dayLabel, zoneName } from "./time.ts";
import { type Camera, type Measure, type Reading, type Width, type Zone } from "./types.ts";
import { ZoneList } from "./zonelist.ts";

export interface PanelListener {
  close(): void;
  pick(moment: number): void;
  chooseZone(zone: string): void;
  /** Bring these zones into view on the map. */
  lookAt(zones: readonly Zone[]): void;
}

/** All that is needed to draw a camera's day. */
export interface PanelView {
  readonly camera: Camera;
  readonly zone: string;
  readonly zones: readonly Zone[];
  readonly series: string;
  readonly width: Width;
  readonly measure: Measure;
  readonly day: string;
  /** Those of `zone` on that day. */
  readonly readings: readonly Reading[];
  /** Every zone's as the map shows it: in the window shown or, live, the newest. */
  readonly now: Frame;
  /** From the first clip stored to the newest window there is an answer for. */
  readonly stored: Span;
}

const GAPS_LISTED = 6;

export class CameraPanel {
  readonly #listener: PanelListener;
  readonly #back = h("span");
  readonly #title = h("h2", { tabindex: -1 });
  readonly #subtitle = h("p", { class: "subtitle" });
  readonly #ground = h("p", { class: "subtitle" });
  readonly #zones: ZoneList;
  readonly #readout = h("dl", { class: "readout" });
  readonly #body = h("div", { class: "day" });
  readonly #look = h("button", { type: "button", class: "look" }, "Show zones on the ground");
  #view: PanelView | null = null;
  #chart: DayChart | null = null;
  #shown: Span | null = null;

  constructor(root: HTMLElement, listener: PanelListener) {
    this.#listener = listener;
    const back = h("button", { type: "button", class: "back", onclick: () => listener.close() }, this.#back);
    this.#look.addEventListener("click", () => this.#view && listener.lookAt(this.#view.zones));
    const ways = h("div", { class: "ways" }, back, this.#look);
    this.#zones = new ZoneList((zone) => listener.chooseZone(zone));
    const about = [this.#title, this.#subtitle, this.#ground];
    root.replaceChildren(ways, ...about, this.#zones.element, this.#readout, this.#body);
    root.addEventListener("keydown", (event) => {
      if (event.key === "Escape") listener.close();
    });
    let width = 0;
    new ResizeObserver(([entry]) => {
      const next = Math.round(entry?.contentRect.width ?? 0);
      if (next > 0 && next !== width && this.#view) this.#draw(this.#view);
      width = next;
    }).observe(this.#body);
  }

  /** Say which camera is coming, before its day is here; `from` is where it was opened. */
  announce(camera: Camera, from: string, focus: boolean): void {
    this.#back.textContent = `‹ ${from}`;
    this.#title.textContent = camera.name;
    this.#subtitle.textContent = subtitle(camera);
    if (focus) this.#title.focus();
    if (this.#view?.camera.id === camera.id) return;
    this.#view = null;
    for (const part of [this.#ground, this.#readout]) part.replaceChildren();
    for (const part of [this.#look, this.#zones.element]) part.hidden = true;
    this.#body.replaceChildren(h("p", { class: "loading" }, "Loading the day…"));
  }

  fail(message: string, again: () => void): void {
    this.#view = null;
    this.#body.replaceChildren(h("p", { class: "reason", role: "alert" }, `${message}. `), tryAgain(again));
  }

  hide(): void {
    this.#view = null;
  }

  show(view: PanelView): void {
    const before = this.#view;
    this.#view = view;
    this.#place(view);
    if (before && this.#chart && sameDay(before, view)) {
      if (this.#shown) this.cursor(this.#shown);
    } else {
      this.#draw(view);
    }
  }

  /** The window shown on the map. */
  cursor(window: Span): void {
    this.#shown = window;
    this.#chart?.setCursor(window);
    this.#read(null);
  }

  /** The zones, and how their ground is known. */
  #place(view: PanelView): void {
    const { camera, zones } = view;
    this.#ground.textContent = ungrounded(camera, zones);
    this.#look.hidden = !zones.some(({ outline }) => outline !== null);
    this.#zones.show(view);
  }

  #draw(view: PanelView): void {
    const { camera, series } = view;
    const span = dayBounds(view.day, camera.timezone);
    const measure = measured(view);
    const density = measure === "density";
    const day = takeApart(view.readings, view.stored, measure, chosen(view)?.area_m2 ?? null);
    const what = density ? perArea(series) : `${noun(series)} in view`;
    const title = `${capital(what)}, ${dayLabel(span.start, camera.timezone)}`;
    this.#chart = new DayChart({
      day,
      span,
      timezone: camera.timezone,
      width: Math.max(260, this.#body.clientWidth),
      label: density
        ? chartSummary(day, perArea(series), camera.timezone, densityFigure)
        : chartSummary(day, noun(series), camera.timezone, figure),
      least: density ? (densityBreaks(series)[0] ?? 1) : 1,
      probe: (at) => this.#read(at),
      pick: (at) => this.#listener.pick(at),
    });
    const open = this.#body.querySelector("details")?.open ?? false;
    const download = `${camera.id}-${view.day}.csv`;
    this.#body.replaceChildren(
      ...trouble(camera),
      ...widthAdvice(view),
      h("h3", {}, title, h("small", {}, ` time in ${zoneName(span.start, camera.timezone)}`)),
      this.#chart.element,
      key(day.usual.length > 0),
      ...gapList(day.gaps, camera.timezone),
      ...groundNotes(camera, chosen(view), series),
      readingsTable(view.readings, camera.timezone, view.stored, open),
      h("p", {}, h("a", { href: csvAddress(query(view, span)), download }, "Download this day (CSV)")),
      h("p", {}, h("a", { href: `./operations#camera=${encodeURIComponent(camera.id)}` }, "When this camera was out")),
    );
    if (this.#shown) this.cursor(this.#shown);
  }

  /** The figures at a moment of the day, or those shown on the map. */
  #read(at: number | null): void {
    const view = this.#view;
    const wanted = at ?? this.#shown?.start;
    if (!view || wanted === undefined) return;
    const within = ({ start, end }: Reading): boolean => Date.parse(start) <= wanted && wanted < Date.parse(end);
    const reading = at === null ? view.now.get(view.zone) : view.readings.find(within);
    this.#readout.replaceChildren(...readout(reading, chosen(view), view.series, view.camera.timezone, wanted));
  }
}

/** The zone that is open, as the service tells of it. */
function chosen({ zone, zones }: PanelView): Zone | undefined {
  return zones.find(({ id }) => id === zone);
}

/** Of a zone without ground there are numbers alone; against usual is drawn as the number over the usual range. */
function measured(view: PanelView): "number" | "density" {
  return view.measure === "density" && chosen(view)?.area_m2 != null ? "density" : "number";
}

/** Whether two views would be drawn alike but for the window marked. */
function sameDay(a: PanelView, b: PanelView): boolean {
  const same = told(a.camera) === told(b.camera) && a.zone === b.zone && a.series === b.series && a.width === b.width;
  const said = ({ readings }: PanelView): string =>
    readings.map((each) => [each.revision, each.reason, each.baseline, each.baseline_reason]).join();
  const ground = ({ zones }: PanelView): string => JSON.stringify(zones.map(({ outline, ...told }) => told));
  const drawn = a.measure === b.measure && ground(a) === ground(b);
  return same && drawn && a.day === b.day && a.stored === b.stored && said(a) === said(b);
}

/** What of a camera is written on the panel. */
function told(camera: Camera): string {
  const { id, name, cadence_s, state, state_since, state_reason } = camera;
  return JSON.stringify([id, name, cadence_s, state, state_since, state_reason]);
}

/** How the camera is now, where that is trouble. */
function trouble({ state, state_since, state_reason, timezone }: Camera): HTMLElement[] {
  if (state === null || state_since === null || !isTrouble(state)) return [];
  const since = momentOfDay(Date.parse(state_since), Date.now(), timezone);
  return [h("p", { class: "reason" }, `Now ${state} since ${since}${state_reason ? `: ${state_reason}` : ""}`)];
}

function query({ camera, series, width }: PanelView, span: Span): Parameters<typeof csvAddress>[0] {
  return { camera: camera.id, series, width, from: span.start, to: span.end };
}

function subtitle(camera: Camera): string {
  return `${camera.id} · a clip every ${cadence(camera)} · ${camera.timezone}`;
}

function widthAdvice({ camera, width }: PanelView): HTMLElement[] {
  const advice = tooNarrow(camera, width);
  return advice === null ? [] : [h("p", { class: "reason" }, advice)];
}

function key(usual: boolean): HTMLElement {
  const item = (name: string, label: string): HTMLElement => h("li", { class: name }, label);
  return h(
    "ul",
    { class: "key" },
    item("mean", "mean"),
    item("interval", "90% interval"),
    usual && item("usual", "usual range, 9 of 10 such windows"),
    item("peak", "peak frame"),
    item("gap", "no data"),
  );
}

function gapList(gaps: readonly Gap[], tz: string): HTMLElement[] {
  if (gaps.length === 0) return [];
  const longest = gaps.toSorted((a, b) => b.end - b.start - (a.end - a.start)).slice(0, GAPS_LISTED);
  const listed = longest.toSorted((a, b) => a.start - b.start);
  const more = gaps.length - listed.length;
  return [
    h("h3", {}, "Without data"),
    h(
      "ul",
      { class: "gaps" },
      ...listed.map(({ start, end, reason }) => h("li", {}, `${clock(start, tz)}–${clock(end, tz)} ${reason}`)),
      more > 0 && h("li", {}, `and ${more} shorter`),
    ),
  ];
}
