/** Asks the service about every change: once the reader pauses, one question at a time, and only the newest counts. */

import { Problem } from "../api.ts";
import type { Desk } from "./desk.ts";
import type { Judgement, Site } from "./site.ts";

const PAUSE_MS = 150;
const RETRY_MS = 3_000;

export interface JudgeListener {
  judged(judgement: Judgement): void;
  failed(error: unknown): void;
}

export class Judge {
  readonly #desk: Pick<Desk, "judge">;
  readonly #listener: JudgeListener;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asking = false;
  #wanted: Site | null = null;
  #told = "";

  constructor(desk: Pick<Desk, "judge">, listener: JudgeListener) {
    this.#desk = desk;
    this.#listener = listener;
  }

  /** Judge this instead of whatever was asked before. False where it is what was asked about last. */
  about(site: Site): boolean {
    const told = JSON.stringify(site);
    if (told === this.#told) return false;
    this.#told = told;
    this.#wanted = site;
    this.#after(PAUSE_MS);
    return true;
  }

  #after(pause: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#ask(), pause);
  }

  async #ask(): Promise<void> {
    const site = this.#wanted;
    if (this.#asking || site === null) return;
    this.#asking = true;
    try {
      const judgement = await this.#desk.judge(site);
      if (this.#wanted === site) {
        this.#wanted = null;
        this.#listener.judged(judgement);
      }
    } catch (error) {
      if (this.#wanted === site) this.#failed(error);
    } finally {
      this.#asking = false;
    }
    if (this.#wanted !== null && this.#wanted !== site) void this.#ask();
  }

  #failed(error: unknown): void {
    this.#listener.failed(error);
    if (error instanceof Problem && error.status < 500) this.#wanted = null;
    else this.#after(RETRY_MS);
  }
}
