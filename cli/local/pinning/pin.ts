import { randomUUID } from "node:crypto";
import * as v from "valibot";

/** The record of a pinned file. */
export const Pin = v.strictObject({
  id: v.string(),
  cid: v.string(),
  cid_version: v.picklist(["v0", "v1", "unixfs-v1-2025"]),
  name: v.string(),
  size: v.number(),
  mime_type: v.string(),
  keyvalues: v.record(v.string(), v.string()),
  group_id: v.nullable(v.string()),
  created_at: v.string(),
});
export type Pin = v.InferOutput<typeof Pin>;

export type PinDraft = Omit<Pin, "id" | "created_at">;

export function newPin(draft: PinDraft, now: Date): Pin {
  return { ...draft, id: randomUUID(), created_at: now.toISOString() };
}

/** The record as the API shows it. */
export function fileOf(pin: Pin): object {
  return { ...pin, number_of_files: 1, vectorized: false, network: "public" };
}
