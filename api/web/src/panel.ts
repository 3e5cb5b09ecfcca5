/** One camera: its figures in the window shown, and its day as a chart. */

import { csvAddress } from "./api.ts";
import { tryAgain } from "./cover.ts";
import { DayChart, chartSummary } from "./chart.ts";
import { type Gap, takeApart } from "./day.ts";
import { h } from "./dom.ts";
import { cadence, coverage, figure, meanWithInterval, moment, noun, percent, reasonOf } from "./format.ts";
import { stateName, tooNarrow } from "./format.ts";
import { isTrouble, moment as momentOfDay } from "./health.ts";
import { readingsTable } from "./table.ts";
import { type Span, clock, dayBounds, dayLabel, windowLabel, zoneName } from "./time.ts";
import type { Camera, Reading, Width, Zone } from "./types.ts";

export interface PanelListener {
  close(): void;
  pick(moment: number): void;
  chooseZone(zone: string): void;
}

/** All that is needed to draw a camera's day. */
export interface PanelView {
  readonly camera: Camera;
  readonly zone: string;
  readonly zones: readonly Zone[];
  readonly series: string;
  readonly width: Width;
  readonly day: string;
  readonly readings: readonly Reading[];
  /** From the first clip stored to the newest window there is an answer for. */
  readonly stored: Span;
}

const GAPS_LISTED = 6;

export class CameraPanel {
  readonly #root: HTMLElement;
  readonly #listener: PanelListener;
  readonly #title = h("h2", { tabindex: -1 });
  readonly #subtitle = h("p", { class: "subtitle" });
  readonly #readout = h("dl", { class: "readout" });
  readonly #body = h("div", { class: "day" });
  #view: PanelView | null = null;
  #chart: DayChart | null = null;
  #shown: Span | null = null;

  constructor(root: HTMLElement, listener: PanelListener) {
    this.#root = root;
    this.#listener = listener;
    const back = h("button", { type: "button", class: "back", onclick: () => listener.close() }, "‹ All cameras");
    root.replaceChildren(back, this.#title, this.#subtitle, this.#readout, this.#body);
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

  /** Say which camera is coming, before its day is here. */
  announce(camera: Camera, focus: boolean): void {
    this.#root.hidden = false;
    this.#title.textContent = camera.name;
    this.#subtitle.textContent = subtitle(camera);
    if (focus) this.#title.focus();
    if (this.#view?.camera.id === camera.id) return;
    this.#view = null;
    this.#readout.replaceChildren();
    this.#body.replaceChildren(h("p", { class: "loading" }, "Loading the day…"));
  }

  fail(message: string, again: () => void): void {
    this.#view = null;
    this.#body.replaceChildren(h("p", { class: "reason", role: "alert" }, `${message}. `), tryAgain(again));
  }

  hide(): void {
    this.#root.hidden = true;
    this.#view = null;
  }

  show(view: PanelView): void {
    const before = this.#view;
    this.#view = view;
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

  #draw(view: PanelView): void {
    const { camera, series } = view;
    const span = dayBounds(view.day, camera.timezone);
    const day = takeApart(view.readings, view.stored);
    const title = `${capital(noun(series))} in view, ${dayLabel(span.start, camera.timezone)}`;
    this.#chart = new DayChart({
      day,
      span,
      timezone: camera.timezone,
      width: Math.max(260, this.#body.clientWidth),
      label: chartSummary(day, noun(series), camera.timezone),
      probe: (at) => this.#read(at),
      pick: (at) => this.#listener.pick(at),
    });
    const open = this.#body.querySelector("details")?.open ?? false;
    const download = `${camera.id}-${view.day}.csv`;
    this.#body.replaceChildren(
      ...trouble(camera),
      ...this.#zoneChoice(view),
      ...widthAdvice(view),
      h("h3", {}, title, h("small", {}, ` time in ${zoneName(span.start, camera.timezone)}`)),
      this.#chart.element,
      key(),
      ...gapList(day.gaps, camera.timezone),
      readingsTable(view.readings, camera.timezone, view.stored, open),
      h("p", {}, h("a", { href: csvAddress(query(view, span)), download }, "Download this day (CSV)")),
      h("p", {}, h("a", { href: `./operations#camera=${encodeURIComponent(camera.id)}` }, "When this camera was out")),
    );
    if (this.#shown) this.cursor(this.#shown);
  }

  /** Figures of the window at a moment, or of the one shown on the map. */
  #read(at: number | null): void {
    const view = this.#view;
    const wanted = at ?? this.#shown?.start;
    if (!view || wanted === undefined) return;
    const reading = view.readings.find((each) => Date.parse(each.start) <= wanted && wanted < Date.parse(each.end));
    const tz = view.camera.timezone;
    if (!reading) {
      this.#readout.replaceChildren(...pair("Time", moment(wanted, tz, wanted)), ...pair("Mean", "not in this day"));
      return;
    }
    const reason = reasonOf(reading);
    const label = windowLabel(Date.parse(reading.start), Date.parse(reading.end), tz);
    this.#readout.replaceChildren(
      ...pair("Time", label),
      ...pair(`Mean ${noun(view.series)}`, reading.mean === null ? "no data" : meanWithInterval(reading), "value"),
      ...pair("Peak", figure(reading.peak)),
      ...pair("Standing still", percent(reading.stationary_share)),
      ...pair("Coverage", coverage(reading)),
      ...pair("State", `${stateName(reading.state)}${reason ? `: ${reason}` : ""}`, reading.state),
    );
  }

  #zoneChoice({ zone, zones }: PanelView): HTMLElement[] {
    if (zones.length < 2) return [];
    const options = zones.map(({ id, name }) => h("option", { value: id, selected: id === zone }, name));
    const choose = (event: Event): void => this.#listener.chooseZone((event.target as HTMLSelectElement).value);
    return [h("label", { class: "zone" }, "Zone ", h("select", { onchange: choose }, ...options))];
  }
}

/** Whether two views would be drawn alike but for the window marked. */
function sameDay(a: PanelView, b: PanelView): boolean {
  const same = told(a.camera) === told(b.camera) && a.zone === b.zone && a.series === b.series && a.width === b.width;
  const said = ({ readings }: PanelView): string => readings.map((each) => `${each.revision} ${each.reason}`).join();
  return same && a.day === b.day && a.stored === b.stored && said(a) === said(b);
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

function pair(term: string, value: string, name = ""): HTMLElement[] {
  return [h("dt", {}, term), h("dd", { class: name || null }, value)];
}

function widthAdvice({ camera, width }: PanelView): HTMLElement[] {
  const advice = tooNarrow(camera, width);
  return advice === null ? [] : [h("p", { class: "reason" }, advice)];
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

function key(): HTMLElement {
  const item = (name: string, label: string): HTMLElement => h("li", { class: name }, label);
  return h(
    "ul",
    { class: "key" },
    item("mean", "mean"),
    item("interval", "90% interval"),
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
