/** What was, is and may be again: undo and redo. */

export class History<T> {
  #past: readonly T[] = [];
  #now: T;
  #future: readonly T[] = [];
  #settled: T;
  #gesture: string | null = null;

  constructor(initial: T) {
    this.#now = initial;
    this.#settled = initial;
  }

  get now(): T {
    return this.#now;
  }

  get canUndo(): boolean {
    return this.#past.length > 0;
  }

  get canRedo(): boolean {
    return this.#future.length > 0;
  }

  /** What was saved last, or what there was at first. */
  get settled(): T {
    return this.#settled;
  }

  /** Changes of one gesture (a drag, a series of arrow keys on one corner) are undone together. */
  change(next: T, gesture: string | null = null): void {
    if (next === this.#now) return;
    if (gesture === null || gesture !== this.#gesture) this.#past = [...this.#past, this.#now];
    this.#gesture = gesture;
    this.#now = next;
    this.#future = [];
  }

  undo(): boolean {
    const before = this.#past.at(-1);
    if (before === undefined) return false;
    this.#past = this.#past.slice(0, -1);
    this.#future = [...this.#future, this.#now];
    this.#now = before;
    this.#gesture = null;
    return true;
  }

  redo(): boolean {
    const after = this.#future.at(-1);
    if (after === undefined) return false;
    this.#future = this.#future.slice(0, -1);
    this.#past = [...this.#past, this.#now];
    this.#now = after;
    this.#gesture = null;
    return true;
  }

  /** This is saved, whatever has been changed meanwhile. */
  settle(saved: T): void {
    this.#settled = saved;
    this.#gesture = null;
  }
}
