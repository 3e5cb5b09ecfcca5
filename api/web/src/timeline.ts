/** Where in the stored day we are: the slider, the day, play and live. */

import { byId, h } from "./dom.ts";
import { type Span, WIDTH_MS, clock, dayBounds, dayLabel, localDay, shiftDay } from "./time.ts";
import { windowLabel, windowStarts } from "./time.ts";
import type { Width } from "./types.ts";

export interface TimelineListener {
  goTo(start: number): void;
  live(on: boolean): void;
}

export interface TimelineView {
  readonly at: number;
  readonly width: Width;
  readonly live: boolean;
  readonly timezone: string;
  /** From the first clip stored to the newest window there is an answer for. */
  readonly stored: Span;
  readonly connected: boolean;
}

const STEP_MS = 1_000;

export class Timeline {
  readonly #listener: TimelineListener;
  readonly #slider = byId("slider", HTMLInputElement);
  readonly #now = byId("now", HTMLOutputElement);
  readonly #hours = byId("hours", HTMLDivElement);
  readonly #play = byId("play", HTMLButtonElement);
  readonly #speed = byId("speed", HTMLSelectElement);
  readonly #live = byId("live", HTMLButtonElement);
  readonly #days = byId("days", HTMLElement);
  readonly #date = byId("date", HTMLInputElement);
  #view: TimelineView | null = null;
  #starts: readonly number[] = [];
  #timer = 0;
  #ready: Promise<unknown> = Promise.resolve();

  constructor(listener: TimelineListener) {
    this.#listener = listener;
    this.#slider.addEventListener("input", () => {
      this.pause();
      this.#goTo(this.#starts[this.#slider.valueAsNumber]);
    });
    this.#play.addEventListener("click", () => (this.#timer === 0 ? this.#start() : this.pause()));
    this.#live.addEventListener("click", () => {
      this.pause();
      listener.live(!(this.#view?.live ?? false));
    });
    this.#date.addEventListener("change", () => this.#toDay(this.#date.value));
    byId("day-before", HTMLButtonElement).addEventListener("click", () => this.#byDays(-1));
    byId("day-after", HTMLButtonElement).addEventListener("click", () => this.#byDays(1));
  }

  show(view: TimelineView): void {
    this.#view = view;
    const { at, width, timezone, stored, live, connected } = view;
    const day = localDay(at, timezone);
    this.#starts = windowStarts(day, timezone, width, stored);
    this.#slider.max = String(Math.max(0, this.#starts.length - 1));
    this.#slider.valueAsNumber = Math.max(0, this.#starts.indexOf(at));
    const label = windowLabel(at, at + WIDTH_MS[width], timezone);
    const date = dayLabel(at, timezone);
    this.#slider.setAttribute("aria-valuetext", `${label}, ${date}`);
    this.#now.replaceChildren(h("strong", {}, label), h("span", {}, date));
    this.#live.setAttribute("aria-pressed", String(live));
    this.#live.classList.toggle("broken", live && !connected);
    this.#live.title = connected ? "Follow the newest figures" : "The live feed is not connected; trying again";
    this.#showDays(day);
    this.#showHours();
  }

  /** What a step of the play has to wait for: the frame that was asked for last. */
  waitFor(frame: Promise<unknown>): void {
    this.#ready = frame.catch(() => undefined);
  }

  pause(): void {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#showPlaying(false);
  }

  #start(): void {
    const view = this.#view;
    if (!view) return;
    this.#showPlaying(true);
    // Play at the end of the day begins it again.
    if (view.live || this.#slider.valueAsNumber >= this.#starts.length - 1) this.#goTo(this.#starts[0]);
    this.#next();
  }

  #next(): void {
    this.#timer = window.setTimeout(async () => {
      await this.#ready;
      if (this.#timer === 0) return;
      const following = this.#starts[this.#slider.valueAsNumber + 1];
      if (following === undefined) {
        this.pause();
        return;
      }
      this.#goTo(following);
      this.#next();
    }, STEP_MS / Number(this.#speed.value));
  }

  #goTo(start: number | undefined): void {
    if (start !== undefined) this.#listener.goTo(start);
  }

  #byDays(count: number): void {
    if (this.#view) this.#toDay(shiftDay(localDay(this.#view.at, this.#view.timezone), count));
  }

  /** The same time of another day, or the nearest window stored of it. */
  #toDay(day: string): void {
    const view = this.#view;
    if (!view || !/^\d{4}-\d{2}-\d{2}$/.test(day)) return;
    this.pause();
    const { at, timezone, width, stored } = view;
    const starts = windowStarts(day, timezone, width, stored);
    const sinceMidnight = at - dayBounds(localDay(at, timezone), timezone).start;
    const wanted = dayBounds(day, timezone).start + sinceMidnight;
    this.#goTo(starts.findLast((start) => start <= wanted) ?? starts[0]);
  }

  #showDays(day: string): void {
    const view = this.#view;
    if (!view) return;
    const first = localDay(view.stored.start, view.timezone);
    const last = localDay(view.stored.end, view.timezone);
    this.#days.hidden = first === last;
    Object.assign(this.#date, { min: first, max: last, value: day });
    byId("day-before", HTMLButtonElement).disabled = day <= first;
    byId("day-after", HTMLButtonElement).disabled = day >= last;
  }

  /** The hours below the slider, where its thumb passes them. */
  #showHours(): void {
    const view = this.#view;
    const last = this.#starts.length - 1;
    if (!view || last < 1) {
      this.#hours.replaceChildren();
      return;
    }
    const whole = this.#starts.map((start, index) => ({ index, time: clock(start, view.timezone) }));
    const hours = whole.filter(({ time }) => time.endsWith(":00"));
    const every = [1, 2, 3, 6, 12].find((step) => hours.length / step <= 9) ?? 12;
    const ticks = hours
      .filter(({ time }) => Number(time.slice(0, 2)) % every === 0)
      .map(({ index, time }) => {
        const tick = h("span", {}, time);
        tick.style.setProperty("--along", String(index / last));
        return tick;
      });
    this.#hours.replaceChildren(...ticks);
  }

  #showPlaying(on: boolean): void {
    this.#play.setAttribute("aria-label", on ? "Pause" : "Play the day");
    this.#play.classList.toggle("playing", on);
  }
}
