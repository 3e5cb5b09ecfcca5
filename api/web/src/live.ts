/** The live feed: changed readings as they are derived, reconnecting by itself with patience. */

import { liveAddress } from "./api.ts";
import type { Reading, Width } from "./types.ts";

export interface LiveListener {
  /** Readings that are new or changed. */
  readings(readings: readonly Reading[]): void;
  /** The feed is open again or has told us that it left something out: what was loaded may be old. */
  gap(): void;
  connected(open: boolean): void;
}

const RETRY_MS = [1_000, 2_000, 5_000, 10_000] as const;
const BATCH_MS = 120;

export class LiveFeed {
  readonly #listener: LiveListener;
  #source: EventSource | null = null;
  #retry = 0;
  #timer = 0;
  #waiting: Reading[] = [];
  #batch = 0;

  constructor(listener: LiveListener) {
    this.#listener = listener;
  }

  /** Listen to one series and width; what was listened to before is closed. */
  open(series: string, width: Width): void {
    this.close();
    const source = new EventSource(liveAddress(series, width));
    let seenOpen = false;
    source.addEventListener("open", () => {
      if (seenOpen || this.#retry > 0) this.#listener.gap();
      seenOpen = true;
      this.#retry = 0;
      this.#listener.connected(true);
    });
    source.addEventListener("readings", (event) => {
      const { readings } = JSON.parse((event as MessageEvent<string>).data) as { readings: Reading[] };
      this.#collect(readings);
    });
    source.addEventListener("dropped", () => this.#listener.gap());
    source.addEventListener("error", () => {
      this.#listener.connected(false);
      // The browser retries a broken connection itself, but gives up after an error status.
      if (source.readyState === EventSource.CLOSED) this.#reopenLater(series, width);
    });
    this.#source = source;
  }

  close(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#batch);
    this.#batch = 0;
    this.#waiting = [];
    this.#source?.close();
    this.#source = null;
  }

  #reopenLater(series: string, width: Width): void {
    const delay = RETRY_MS[Math.min(this.#retry, RETRY_MS.length - 1)];
    this.#retry += 1;
    this.#timer = window.setTimeout(() => this.open(series, width), delay);
  }

  /** Many small events become one redraw. */
  #collect(readings: readonly Reading[]): void {
    this.#waiting.push(...readings);
    if (this.#batch !== 0) return;
    this.#batch = window.setTimeout(() => {
      this.#batch = 0;
      const batch = this.#waiting;
      this.#waiting = [];
      this.#listener.readings(batch);
    }, BATCH_MS);
  }
}
