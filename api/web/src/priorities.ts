/** Where to act first: the places that are too busy again and again, ranked, with the reasons in words. */

import * as api from "./api.ts";
import { describe, tryAgain } from "./cover.ts";
import { byId, h } from "./dom.ts";
import { figure, kindName } from "./format.ts";
import { type Span, WIDTH_MS, clock, dayLabel } from "./time.ts";
import type { Camera, Width } from "./types.ts";
import type { AnomalyAnswer, Looked, Priority, PriorityAnswer, Trend } from "./unusual_types.ts";

const DAY_MS = 86_400_000;

/** How far back from the window shown. */
const PERIODS = { "7": "7 days", "28": "4 weeks", "91": "13 weeks" } as const;
type Period = keyof typeof PERIODS;

const LISTED = 50;
const REST_MS = 250;

const RANKED_BY = " Ranked by what is beyond chance: the lower end of the 90% interval.";

export interface PrioritiesView {
  readonly series: string;
  readonly width: Width;
  readonly at: number;
  /** At the newest window, which is still open. */
  readonly live: boolean;
  readonly timezone: string;
  readonly stored: Span;
  readonly cameras: ReadonlyMap<string, Camera>;
}

export interface PrioritiesListener {
  open(camera: string, zone: string): void;
  /** A place has the focus or the pointer, or none has. */
  point(camera: string | null): void;
}

export class PriorityList {
  readonly #root = byId("priorities", HTMLElement);
  readonly #listener: PrioritiesListener;
  readonly #period = h("select", { id: "period" });
  readonly #words = h("p", { class: "words", role: "status" });
  readonly #now = h("div", { class: "now" });
  readonly #list = h("ol", { class: "ranked" });
  readonly #unjudged = h("details", { hidden: true });
  readonly #csv = h("a", {}, "Download this list (CSV)");
  #view: PrioritiesView | null = null;
  #timer = 0;
  /** What the list, and what is unusual now, was asked for. */
  #ranked = "";
  #unusual = "";

  constructor(listener: PrioritiesListener) {
    this.#listener = listener;
    this.#period.append(...Object.entries(PERIODS).map(([value, name]) => h("option", { value }, name)));
    this.#period.value = "28";
    this.#period.addEventListener("change", () => this.#view && this.show(this.#view));
    this.#list.addEventListener("focusout", () => listener.point(null));
    this.#list.addEventListener("pointerleave", () => listener.point(null));
    this.#root.replaceChildren(
      h("h2", {}, "Where to act first"),
      h("label", { class: "period" }, "The last ", this.#period),
      this.#words,
      this.#list,
      this.#unjudged,
      this.#now,
      h("p", {}, this.#csv),
    );
  }

  /** The list up to the hour shown, once the reader has come to rest on it; the one before stays as long. */
  show(view: PrioritiesView): void {
    this.#view = view;
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.#load(view), REST_MS);
  }

  /** The entry of a place that was opened. */
  focusOn(camera: string): void {
    this.#list.querySelector<HTMLButtonElement>(`[data-camera="${CSS.escape(camera)}"] button`)?.focus();
  }

  #load(view: PrioritiesView): void {
    const query = asked(view, this.#period.value as Period);
    const ranked = JSON.stringify(query);
    if (ranked !== this.#ranked) void this.#loadRanked(view, query, ranked);
    const unusual = `${view.series} ${view.at}`;
    if (unusual !== this.#unusual) void this.#loadUnusual(view, unusual);
  }

  async #loadRanked(view: PrioritiesView, query: api.PeriodQuery, key: string): Promise<void> {
    this.#ranked = key;
    this.#root.ariaBusy = "true";
    if (this.#list.childElementCount === 0) this.#words.textContent = "Loading…";
    try {
      const answer = await api.priorities(query);
      if (this.#ranked === key) this.#draw(answer, view, query);
    } catch (error) {
      if (this.#ranked === key) this.#fail(describe(error));
    } finally {
      if (this.#ranked === key || this.#ranked === "") this.#root.ariaBusy = "false";
    }
  }

  /** The list does without it: where it is not known, nothing is said. */
  async #loadUnusual({ series, at, live }: PrioritiesView, key: string): Promise<void> {
    this.#unusual = key;
    const answer = await api.anomalies(series, live ? null : at).catch(() => null);
    if (this.#unusual === key) this.#now.replaceChildren(...unusualNow(answer));
  }

  #fail(reason: string): void {
    this.#ranked = "";
    this.#list.replaceChildren();
    this.#unjudged.hidden = true;
    this.#words.replaceChildren(`Not available: ${reason}. `, tryAgain(() => this.#view && this.#load(this.#view)));
  }

  #draw(answer: PriorityAnswer, view: PrioritiesView, query: api.PeriodQuery): void {
    const ranked = answer.priorities.filter(({ rank }) => rank !== null);
    const unjudged = answer.priorities.filter(({ rank }) => rank === null);
    const span = { start: Date.parse(answer.start), end: Date.parse(answer.end) };
    const period = h("span", { class: "when" }, `${periodLabel(span, view.timezone)}. `);
    this.#words.replaceChildren(period, sentences(answer.looked), RANKED_BY);
    this.#list.replaceChildren(...ranked.slice(0, LISTED).map((each) => this.#entry(each, view)));
    this.#unjudged.hidden = unjudged.length === 0;
    const places = unjudged.length === 1 ? "1 place" : `${unjudged.length} places`;
    this.#unjudged.replaceChildren(h("summary", {}, `${places} of which nothing can be said`), reasons(unjudged));
    this.#csv.href = api.prioritiesCsvAddress(query);
    this.#csv.download = `where-to-act-first-${query.series}.csv`;
  }

  #entry(place: Priority, { cameras, series }: PrioritiesView): HTMLElement {
    const { camera, zone, rank, name, people_hours } = place;
    const point = (event: Event): void => {
      if (!(event instanceof PointerEvent) || event.pointerType === "mouse") this.#listener.point(camera);
    };
    const of = cameras.get(camera)?.name;
    const where = [of, kindName(place.kind)].filter((each) => each !== undefined && !told(name, each));
    const button = h(
      "button",
      {
        type: "button",
        onclick: () => this.#listener.open(camera, zone),
        onfocus: point,
        onpointerenter: point,
        "aria-label": `${rank}. ${name}: ${hoursLabel(place, series)}. ${place.words}`,
      },
      h("span", { class: "rank" }, String(rank)),
      h("span", { class: "name" }, name, h("small", {}, where.join(" · "))),
      h("span", { class: "figure" }, `+${hours(people_hours)}`, ...small(interval(place), unit(series))),
    );
    return h("li", { "data-camera": camera }, button, reason(place));
  }
}

/** The first sentence of the reasons, which opens to the others. */
function reason({ trend, words }: Priority): HTMLElement {
  const [first = "", ...others] = words.split(/(?<=\.) (?=[A-Z])/);
  const way = TRENDS[trend];
  const said = [way === null ? null : h("span", { class: `trend ${trend}` }, way), first];
  return others.length === 0 ? h("p", {}, ...said) : h("details", {}, h("summary", {}, ...said), others.join(" "));
}

/** Whether a name says it already. */
function told(name: string, words: string): boolean {
  return name.toLocaleLowerCase("en-GB").includes(words.toLocaleLowerCase("en-GB"));
}

const TRENDS: Readonly<Record<Trend, string | null>> = {
  worse: "▲ getting worse",
  better: "▼ getting better",
  neither: null,
  unknown: null,
};

function small(...lines: string[]): HTMLElement[] {
  return lines.map((line) => h("small", {}, line));
}

function unit(series: string): string {
  return `${{ people: "person", vehicles: "vehicle" }[series] ?? series}-hours`;
}

/** `310 person-hours above usual (90% interval 220–400)` */
function hoursLabel(place: Priority, series: string): string {
  return `${hours(place.people_hours)} ${unit(series)} above usual (90% interval ${interval(place)})`;
}

function interval({ people_hours_low: low, people_hours_high: high }: Priority): string {
  return `${hours(low)}–${hours(high)}`;
}

/** Whole from ten on. */
function hours(value: number | null): string {
  return figure(value !== null && value >= 10 ? Math.round(value) : value).replace(/\.0$/, "");
}

/** Whole hours up to the end of the window shown: within an hour the list does not change. */
function asked({ at, width, series, stored }: PrioritiesView, period: Period): api.PeriodQuery {
  const hour = WIDTH_MS["60m"];
  const end = Math.ceil((at + WIDTH_MS[width]) / hour) * hour;
  return { series, from: Math.min(Math.max(end - Number(period) * DAY_MS, stored.start), end - hour), to: end };
}

function periodLabel({ start, end }: Span, tz: string): string {
  return `${dayLabel(start, tz)} ${clock(start, tz)} to ${dayLabel(end, tz)} ${clock(end, tz)}`;
}

function sentences(looked: readonly Looked[]): string {
  return looked.map(({ words }) => words).join(" ");
}

function reasons(places: readonly Priority[]): HTMLElement {
  return items(places.map(({ name, reason }) => `${name}: ${reason ?? "no reason recorded"}`));
}

/** The regions that the scan of the city finds unusual in the window shown. */
function unusualNow(answer: AnomalyAnswer | null): HTMLElement[] {
  if (!answer) return [];
  const found = answer.anomalies.filter(({ id }) => id !== null).map(({ words }) => words);
  const said = found.length > 0 ? found : answer.looked.map(({ words }) => words);
  return [h("h3", {}, "Unusual in the window shown"), items(said)];
}

function items(words: readonly string[]): HTMLElement {
  return h("ul", { class: "gaps" }, ...words.map((each) => h("li", {}, each)));
}
