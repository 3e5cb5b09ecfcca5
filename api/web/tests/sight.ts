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

/** Relative luminance (WCAG 2.2) of what this eye sees of a colour. */
function luminance(hex: string, sight: readonly Triple[]): number {
  const linear = [1, 3, 5].map((at) => {
    const value = parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  const dot = (row: Triple): number => row.reduce((sum, weight, at) => sum + weight * (linear[at] ?? 0), 0);
  const seen = sight.map((row) => Math.min(1, Math.max(0, dot(row))));
  return [0.2126, 0.7152, 0.0722].reduce((sum, weight, at) => sum + weight * (seen[at] ?? 0), 0);
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
