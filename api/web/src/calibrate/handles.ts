/** What can be taken hold of in the picture, as elements carry it in `data-handle`. */

export type Handle =
  | { readonly of: "corner" | "middle"; readonly zone: number; readonly at: number }
  | { readonly of: "ring" | "point"; readonly at: number }
  | { readonly of: "pending" };

export function keyOf(handle: Handle): string {
  if (handle.of === "pending") return handle.of;
  return "zone" in handle ? `${handle.of}:${handle.zone}:${handle.at}` : `${handle.of}:${handle.at}`;
}

export function handleOf(key: string): Handle {
  const [of, first, second] = key.split(":");
  if (of === "corner" || of === "middle") return { of, zone: Number(first), at: Number(second) };
  if (of === "ring" || of === "point") return { of, at: Number(first) };
  return { of: "pending" };
}
