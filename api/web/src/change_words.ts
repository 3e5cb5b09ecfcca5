/** What was changed in a street, in words. */

import { dayLabel } from "./time.ts";
import type { Intervention, InterventionKind } from "./unusual_types.ts";

const KINDS: Readonly<Record<InterventionKind, string>> = {
  wider_pavement: "wider pavement",
  moved_bus_stop: "moved bus stop",
  closed_lane: "closed lane",
  closed_street: "closed street",
  cycle_lane: "cycle lane",
  crossing: "crossing",
  signal: "signal",
  parking: "parking",
  other: "other change",
};

export function changeKind({ kind }: Intervention): string {
  return KINDS[kind] ?? kind;
}

/** `since Mon 4 May 2026`, `Mon 4 May 2026 to Mon 1 Jun 2026` */
export function period({ start, end }: Intervention, tz: string): string {
  const from = dayLabel(Date.parse(start), tz);
  return end === null ? `since ${from}` : `${from} to ${dayLabel(Date.parse(end), tz)}`;
}
