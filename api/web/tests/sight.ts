/** How eyes see colours: for tests of colour scales. */

import assert from "node:assert/strict";

type Triple = readonly [number, number, number];

/**
 * What dichromats see of linear sRGB: Machado, Oliveira and Fernandes, "A Physiologically-based Model for Simulation
 * of Color Vision Deficiency" (2009), doi:10.1109/TVCG.2009.113, matrices of severity 1.0.
 */
const SIGHT: Readonly<Record<string, readonly [Triple, Triple, Triple]>> = {
  trichromacy: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  protanopia: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  deuteranopia: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
  tritanopia: [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
};

/** What this eye sees of a colour, as linear sRGB. */
function seen(hex: string, sight: readonly Triple[]): number[] {
  const linear = [1, 3, 5].map((at) => {
    const value = parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  const dot = (row: Triple): number => row.reduce((sum, weight, at) => sum + weight * (linear[at] ?? 0), 0);
  return sight.map((row) => Math.min(1, Math.max(0, dot(row))));
}

/** Relative luminance (WCAG 2.2) of what this eye sees of a colour. */
function luminance(hex: string, sight: readonly Triple[]): number {
  return [0.2126, 0.7152, 0.0722].reduce((sum, weight, at) => sum + weight * (seen(hex, sight)[at] ?? 0), 0);
}

/** To every eye each class is plainly darker than the one before on a light page, plainly lighter on a dark one. */
export function keepsItsOrder(colour: (index: number, dark: boolean) => string, count: number): void {
  for (const [eye, sight] of Object.entries(SIGHT)) {
    for (const dark of [false, true]) {
      const seen = Array.from({ length: count }, (_, index) => luminance(colour(index, dark), sight));
      for (const [index, value] of seen.slice(1).entries()) {
        const [darker, lighter] = dark ? [seen[index] ?? 1, value] : [value, seen[index] ?? 0];
        const which = `${eye}: classes ${index} and ${index + 1}, dark: ${dark}`;
        assert.ok((lighter + 0.05) / (darker + 0.05) > 1.15, which);
      }
    }
  }
}

/** CIE 1976 L*a*b* (D65) of what this eye sees of a colour. */
function lab(hex: string, sight: readonly Triple[]): Triple {
  const [r = 0, g = 0, b = 0] = seen(hex, sight);
  const f = (t: number): number => (t > 216 / 24389 ? Math.cbrt(t) : (24389 / 27 * t + 16) / 116);
  const x = f((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505);
  const y = f(0.2126 * r + 0.7152 * g + 0.0722 * b);
  const z = f((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

/**
 * Of a scale with a middle: to every eye each class is plainly further from it than the one before, darker on a light
 * page and lighter on a dark one, and classes as far on either side are two colours (a difference of 2.3 is just
 * noticeable, of 30 unmistakable).
 */
export function tellsItsSidesApart(colour: (index: number, dark: boolean) => string, count: number): void {
  const middle = (count - 1) / 2;
  for (const [eye, sight] of Object.entries(SIGHT)) {
    for (const dark of [false, true]) {
      const bright = (index: number): number => luminance(colour(index, dark), sight) + 0.05;
      for (let away = 1; away <= middle; away += 1) {
        for (const side of [-1, 1]) {
          const ratio = bright(middle + side * (away - 1)) / bright(middle + side * away);
          const which = `${eye}: ${away - 1} and ${away} on side ${side}, dark: ${dark}`;
          assert.ok((dark ? 1 / ratio : ratio) > 1.15, which);
        }
        const [below, above] = [lab(colour(middle - away, dark), sight), lab(colour(middle + away, dark), sight)];
        const apart = Math.hypot(...below.map((value, at) => value - (above[at] ?? 0)));
        assert.ok(apart > 30, `${eye}: ${away} below and above, dark: ${dark}: ${apart}`);
      }
    }
  }
}
