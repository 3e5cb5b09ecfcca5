/** The first moments of a visit: who we are, and waiting for the first counts. */

import * as api from "./api.ts";
import type { Cover } from "./cover.ts";
import { byId } from "./dom.ts";
import type { Span } from "./time.ts";
import type { About } from "./types.ts";

const EMPTY_POLL_MS = 3_000;

/** Put the installation's name and notice on the page. */
export function introduce(about: About): void {
  document.title = `${about.name} · how busy is it?`;
  byId("name", HTMLElement).textContent = about.name;
  const notice = byId("notice", HTMLElement);
  notice.textContent = about.notice;
  notice.hidden = about.notice === null;
  document.body.classList.add("ready");
}

/** Wait until anything is counted; what is stored then. */
export async function firstCounts(cover: Cover): Promise<Span> {
  for (;;) {
    const stored = await cover.patiently("what is stored", api.extent);
    if (stored) return stored;
    cover.say("No counts yet", "The first arrive within a minute.");
    await new Promise((resolve) => setTimeout(resolve, EMPTY_POLL_MS));
  }
}
