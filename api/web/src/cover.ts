/** The card over the map that says what we are waiting for, and tries again. */

import { byId, h } from "./dom.ts";

const RETRY_S = [2, 5, 10, 20, 30] as const;

export class Cover {
  readonly #root = byId("cover", HTMLElement);

  say(title: string, detail = "", ...more: Node[]): void {
    this.#root.hidden = false;
    this.#root.replaceChildren(h("strong", {}, title), ...(detail ? [h("p", {}, detail)] : []), ...more);
  }

  hide(): void {
    this.#root.hidden = true;
  }

  /** Ask until there is an answer, telling the reader why not and when the next try is; the button tries at once. */
  async patiently<T>(what: string, ask: () => Promise<T>): Promise<T> {
    for (let tries = 0; ; tries += 1) {
      try {
        return await ask();
      } catch (error) {
        const seconds = RETRY_S[Math.min(tries, RETRY_S.length - 1)] ?? 30;
        await this.#wait(what, error, seconds);
      }
    }
  }

  #wait(what: string, error: unknown, seconds: number): Promise<void> {
    return new Promise((resolve) => {
      const go = (): void => {
        clearTimeout(timer);
        this.say("Trying again…");
        resolve();
      };
      const timer = window.setTimeout(go, seconds * 1_000);
      const detail = `${describe(error)}. Trying again in ${seconds} seconds.`;
      this.say(`Could not load ${what}`, detail, h("button", { type: "button", onclick: go }, "Try now"));
    });
  }
}

export function tryAgain(again: () => void): HTMLButtonElement {
  return h("button", { type: "button", onclick: again }, "Try again");
}

/** An error as a sentence without its full stop. */
export function describe(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/\.$/, "");
}
