/** The busyness scale: seven classes of the viridis map, which keeps its order in colour-blind and grey vision. */

/** viridis sampled at sevenths, dark to light (Smith and van der Walt, CC0). */
const VIRIDIS = ["#440154", "#443983", "#31688e", "#21918c", "#35b779", "#90d743", "#fde725"] as const;

export const CLASS_COUNT = VIRIDIS.length;

const BREAKS_COMMON = [1, 2, 5, 10, 20, 50] as const;
const BREAKS_RARE = [0.1, 0.2, 0.5, 1, 2, 5] as const;
const RARE: ReadonlySet<string> = new Set(["cyclist", "motorcycle", "van", "truck", "bus"]);

/** Fixed bounds between the classes, so that within a theme a colour means the same number at every hour and on every day. */
export function breaks(series: string): readonly number[] {
  return RARE.has(series) ? BREAKS_RARE : BREAKS_COMMON;
}

/** The class of a mean, 0 (least busy) to 6. */
export function classOf(mean: number, series: string): number {
  return breaks(series).filter((bound) => mean >= bound).length;
}

/** Busier is further from the background: darker on a light page, lighter on a dark one. */
export function colour(index: number, dark: boolean): string {
  const at = dark ? index : CLASS_COUNT - 1 - index;
  return VIRIDIS[at] ?? VIRIDIS[0];
}

/** `under 1`, `1–2`, … `50+` */
export function classLabels(bounds: readonly number[]): string[] {
  return [
    `under ${bounds[0]}`,
    ...bounds.slice(1).map((upper, at) => `${bounds[at]}–${upper}`),
    `${bounds[bounds.length - 1]}+`,
  ];
}

/** Radius of a class's mark in CSS pixels: size says again what colour says. */
export function radius(index: number): number {
  return 6 + index;
}
