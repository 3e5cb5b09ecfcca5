/** Numbers as people write and paste them. */

/** A decimal number, or null where it is none. A comma may stand for the point. */
export function number(text: string): number | null {
  const plain = text.trim().replace(/^([+-]?\d+),(\d+)$/, "$1.$2");
  return /^[+-]?(\d+\.?\d*|\.\d+)$/.test(plain) ? Number(plain) : null;
}

export interface LatLon {
  readonly lat: number;
  readonly lon: number;
}

/** `51.5, -0.12` as maps give it when a place is copied: latitude first; null where it is not two degrees. */
export function latLon(text: string): LatLon | null {
  const plain = text.trim().replace(/^\((.*)\)$/, "$1");
  if (/^\d+,\d+$/.test(plain)) return null; // one number, its comma a decimal one
  const parts = plain.split(plain.includes(";") ? /\s*;\s*/ : /\s*,\s*|\s+/);
  if (parts.length !== 2) return null;
  const [lat, lon] = parts.map(number);
  if (lat == null || lon == null || Math.abs(lat) > 90 || Math.abs(lon) > 180) return null;
  return { lat, lon };
}

/** Six decimals of a degree are a decimetre, seven a centimetre. */
export function degrees(value: number): string {
  return value.toFixed(7).replace(/0{1,2}$/, "");
}

export function pixels(value: number): string {
  return String(Math.round(value * 10) / 10);
}

/** A length in metres with as many decimals as it bears. */
export function metres(value: number): string {
  return `${value.toFixed(value < 1 ? 2 : value < 20 ? 1 : 0)} m`;
}

/** A length with its standard error: `6.5 ± 0.3 m`. */
export function measured(value: number, error: number | null): string {
  if (error === null) return `${value.toFixed(1)} m`;
  const decimals = error < 0.1 ? 2 : 1;
  return `${value.toFixed(decimals)} ± ${error.toFixed(decimals)} m`;
}

/** An area with its standard error: `124 ± 4 m²`. */
export function area(value: number, share: number | null): string {
  const error = share === null ? 0 : value * share;
  const decimals = error > 0 && error < 0.5 && value < 100 ? 1 : 0;
  const off = share === null ? "" : ` ± ${error.toFixed(decimals)}`;
  return `${value.toFixed(decimals)}${off} m²`;
}

/** What the service says, as a sentence. */
export function sentence(words: string): string {
  const said = words.trim();
  return said === "" ? "" : `${said.charAt(0).toUpperCase()}${said.slice(1)}${/[.!?]$/.test(said) ? "" : "."}`;
}

export function percent(share: number): string {
  const value = share * 100;
  return `${value.toFixed(value < 10 ? 1 : 0)} %`;
}
