/** The inks of the map, on a light page and on a dark one. */

/** Fonts of the reader's own machine: MapLibre draws them itself, so no glyph server is asked. */
export const FONT = ["system-ui"];

export interface Palette {
  readonly ground: string;
  readonly land: string;
  readonly border: string;
  readonly water: string;
  readonly place: string;
  readonly text: string;
  readonly halo: string;
  readonly focus: string;
  readonly missing: string;
}

const LIGHT: Palette = {
  ground: "#e9edf1",
  land: "#f8f9fa",
  border: "#b9c2cc",
  water: "#a9c8e3",
  place: "#5b6673",
  text: "#16202c",
  halo: "#ffffff",
  focus: "#c2185b",
  missing: "#68707c",
};

const DARK: Palette = {
  ground: "#12161c",
  land: "#1b2129",
  border: "#3b4653",
  water: "#2c4a66",
  place: "#93a0ae",
  text: "#f2f4f7",
  halo: "#12161c",
  focus: "#ff8fb8",
  missing: "#a3abb6",
};

export function palette(dark: boolean): Palette {
  return dark ? DARK : LIGHT;
}
