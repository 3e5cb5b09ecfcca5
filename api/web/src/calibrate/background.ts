/** The picture without people and vehicles: asked for, waited for, shown once. */

import { describe } from "../cover.ts";
import { byId } from "../dom.ts";
import type { Desk } from "./desk.ts";
import type { Gathering } from "./site.ts";
import { type Began, progress } from "./waiting.ts";

const ASK_AGAIN_MS = 3_000;

export class Background {
  readonly #desk: Desk;
  readonly #shown: (address: string) => void;
  readonly #ask = byId("ask-background", HTMLButtonElement);
  readonly #keep = byId("keep", HTMLInputElement);
  readonly #bar = byId("gathered", HTMLProgressElement);
  readonly #told = byId("gathering", HTMLElement);
  #began: Began | null = null;

  /** `shown` is given the address of the picture, which lives as long as the page. */
  constructor(desk: Desk, shown: (address: string) => void) {
    this.#desk = desk;
    this.#shown = shown;
    this.#ask.addEventListener("click", () => void this.#gather());
  }

  async #gather(): Promise<void> {
    this.#ask.disabled = true;
    try {
      const gathering = await this.#desk.gather();
      if (gathering.state === "refused") this.#stop(gathering.reason ?? "No background can be made");
      else if (gathering.state === "ready") await this.#fetch();
      else this.#wait(gathering);
    } catch (error) {
      this.#stop(describe(error));
    }
  }

  #wait(gathering: Gathering): void {
    const now = performance.now();
    this.#began ??= { at: now, clips: gathering.clips };
    this.#bar.hidden = false;
    this.#bar.max = gathering.of;
    this.#bar.value = gathering.clips;
    const waitedFor = gathering.reason === null ? "" : `: ${gathering.reason}`;
    this.#told.textContent = progress(gathering, this.#began, now) + waitedFor;
    window.setTimeout(() => void this.#gather(), ASK_AGAIN_MS);
  }

  async #fetch(): Promise<void> {
    const picture = await this.#desk.background(this.#keep.checked);
    this.#shown(URL.createObjectURL(picture));
    this.#stop(this.#keep.checked ? "Kept beside the file." : "Shown once; nothing of it is stored.");
  }

  #stop(words: string): void {
    this.#began = null;
    this.#bar.hidden = true;
    this.#told.textContent = words;
    this.#ask.disabled = false;
  }
}
