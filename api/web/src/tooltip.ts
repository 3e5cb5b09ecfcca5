/** The small card beside what is pointed at on the map. */

import type { Point } from "./map.ts";

const MARGIN_PX = 8;
const OFFSET_PX = 16;

export class Tooltip {
  readonly #root: HTMLElement;

  constructor(root: HTMLElement) {
    this.#root = root;
  }

  show(card: readonly HTMLElement[], at: Point): void {
    this.#root.replaceChildren(...card);
    this.#root.hidden = false;
    this.place(at);
  }

  /** Beside the point, always within the map. */
  place(at: Point): void {
    const { clientWidth, clientHeight } = this.#root.parentElement ?? document.body;
    const { offsetWidth, offsetHeight } = this.#root;
    const right = at.x + OFFSET_PX;
    const left = right + offsetWidth + MARGIN_PX > clientWidth ? at.x - OFFSET_PX - offsetWidth : right;
    const inside = (value: number, size: number, room: number): number =>
      Math.max(MARGIN_PX, Math.min(value, room - size - MARGIN_PX));
    const x = inside(left, offsetWidth, clientWidth);
    const y = inside(at.y - offsetHeight / 2, offsetHeight, clientHeight);
    this.#root.style.transform = `translate(${Math.round(x)}px, ${Math.round(y)}px)`;
  }

  hide(): void {
    this.#root.hidden = true;
  }
}
