/** The side of the page: a list, or what was opened from one. On a phone it is a sheet that slides up from below. */

import { byId, h } from "./dom.ts";
import { LISTS, type ListName } from "./hash.ts";

/** What was opened over the lists. */
export type Opened = "camera" | "change" | null;

export const LIST_NAMES: Readonly<Record<ListName, string>> = {
  cameras: "Cameras",
  priorities: "Act first",
  changes: "Changes",
};

const MOVES: Readonly<Record<string, number>> = { ArrowRight: 1, ArrowLeft: -1 };

export class Sheet {
  readonly #root = byId("side", HTMLElement);
  readonly #handle = byId("handle", HTMLButtonElement);
  readonly #tabs: readonly HTMLButtonElement[];

  /** `choose`: the reader wants another list. */
  constructor(choose: (list: ListName) => void) {
    this.#tabs = LISTS.map((list) => {
      const about = { id: `tab-${list}`, type: "button", role: "tab", "aria-controls": list, "data-list": list };
      return h("button", { ...about, onclick: () => choose(list) }, LIST_NAMES[list]);
    });
    const tabs = byId("tabs", HTMLDivElement);
    tabs.replaceChildren(...this.#tabs);
    tabs.addEventListener("keydown", (event) => this.#key(event));
    this.#handle.addEventListener("click", () => this.#set(!this.#root.classList.contains("open")));
    byId("skip", HTMLAnchorElement).addEventListener("click", (event) => {
      // The address after # is the view's, so the jump is made by hand.
      event.preventDefault();
      choose("cameras");
      this.open();
      byId("search", HTMLInputElement).focus();
    });
  }

  open(): void {
    this.#set(true);
  }

  /** Out of the way of the map, where it lies over it; the focus must not be left in what is hidden. */
  close(): void {
    const handled = this.#handle.offsetParent !== null;
    this.#set(false);
    if (handled && this.#root.contains(document.activeElement)) this.#handle.focus();
  }

  show(list: ListName, opened: Opened): void {
    for (const tab of this.#tabs) {
      const chosen = tab.dataset["list"] === list;
      tab.ariaSelected = String(chosen);
      tab.tabIndex = chosen ? 0 : -1;
    }
    for (const each of LISTS) byId(each, HTMLElement).hidden = opened !== null || each !== list;
    byId("tabs", HTMLDivElement).hidden = opened !== null;
    for (const each of ["camera", "change"] as const) byId(each, HTMLElement).hidden = opened !== each;
    this.#handle.textContent = opened === null ? LIST_NAMES[list] : opened === "camera" ? "Camera" : "Change";
  }

  /** Arrows move among the tabs, and choose. */
  #key(event: KeyboardEvent): void {
    const at = this.#tabs.findIndex((tab) => tab === document.activeElement);
    const move = MOVES[event.key];
    if (move === undefined || at < 0) return;
    event.preventDefault();
    const next = this.#tabs[(at + move + this.#tabs.length) % this.#tabs.length];
    next?.click();
    next?.focus();
  }

  #set(open: boolean): void {
    this.#root.classList.toggle("open", open);
    this.#handle.setAttribute("aria-expanded", String(open));
  }
}
