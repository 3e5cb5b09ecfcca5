/** Saving, and the guard against leaving without it. */

import { describe } from "../cover.ts";
import { byId } from "../dom.ts";
import type { Desk } from "./desk.ts";
import type { Draft } from "./draft.ts";
import type { Site } from "./site.ts";
import { refusal } from "./verdict.ts";

/** What there is to be saved. */
export interface Savable {
  readonly draft: Draft;
  /** The site as a draft has it. */
  site(draft: Draft): Site;
  changedSinceSaved(): boolean;
  saving(): void;
  /** Nothing came of it, which is told beside. */
  failed(): void;
  saved(site: Site, draft: Draft): void;
}

export class Saving {
  readonly #desk: Desk;
  readonly #of: Savable;
  readonly #button = byId("save", HTMLButtonElement);
  readonly #told = byId("save-told", HTMLElement);
  readonly #unsaved = byId("unsaved", HTMLElement);
  #busy = false;

  /** `whyNot`: why nothing can be saved here, or null. */
  constructor(desk: Desk, of: Savable, whyNot: string | null) {
    this.#desk = desk;
    this.#of = of;
    this.#button.disabled = whyNot !== null;
    if (whyNot !== null) this.#refuse(`Nothing can be saved here: ${whyNot}`);
    this.#button.addEventListener("click", () => void this.store());
    window.addEventListener("beforeunload", (event) => {
      if (of.changedSinceSaved()) event.preventDefault();
    });
  }

  show(): void {
    this.#unsaved.hidden = !this.#of.changedSinceSaved();
  }

  async store(): Promise<void> {
    if (this.#button.disabled || this.#busy) return;
    if (document.activeElement instanceof HTMLInputElement) document.activeElement.blur(); // takes what is being written
    const { draft } = this.#of;
    if (draft.ring.length > 0 || draft.pending) {
      const half = draft.pending ? `point ${draft.points.length + 1} is not on the map` : "a zone is not closed";
      this.#refuse(`Not saved: ${half} yet`, "Finish it, or drop it with Escape.");
      return;
    }
    this.#busy = true;
    this.#told.replaceChildren();
    this.#of.saving();
    try {
      this.#of.saved(await this.#desk.save(this.#of.site(draft)), draft);
    } catch (error) {
      this.#of.failed();
      this.#refuse(`Not saved: ${describe(error)}`);
    } finally {
      this.#busy = false;
    }
  }

  #refuse(message: string, remedy = ""): void {
    this.#told.replaceChildren(refusal({ message, remedy }));
  }
}
