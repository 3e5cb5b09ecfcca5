/** The side of the page: the list or one camera. On a phone it is a sheet that slides up from below. */

import { byId } from "./dom.ts";

export class Sheet {
  readonly #root = byId("side", HTMLElement);
  readonly #handle = byId("handle", HTMLButtonElement);
  readonly #list = byId("cameras", HTMLElement);

  constructor() {
    this.#handle.addEventListener("click", () => this.#set(!this.#root.classList.contains("open")));
    byId("skip", HTMLAnchorElement).addEventListener("click", (event) => {
      // The address after # is the view's, so the jump is made by hand.
      event.preventDefault();
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

  showCamera(): void {
    this.#list.hidden = true;
    this.#handle.textContent = "Camera";
  }

  showList(): void {
    this.#list.hidden = false;
    this.#handle.textContent = "Cameras";
  }

  #set(open: boolean): void {
    this.#root.classList.toggle("open", open);
    this.#handle.setAttribute("aria-expanded", String(open));
  }
}
