import * as v from "valibot";
import { UserId, UserMetadataRecord } from "../chain/user-metadata.ts";
import type { Plan } from "./plan.ts";

const OfUser = v.strictObject({ userId: UserId });

export const userMetadata = {
  does: "A user's metadata, encrypted to the user; a change can take a minute to show everywhere, `version` says which it is",
  who: "anyone",
  params: OfUser,
  answers: { 200: UserMetadataRecord },
  problems: ["not-found"],
} as const satisfies Plan;

export const StoredMetadata = v.strictObject({ userId: UserId, version: UserMetadataRecord.entries.version });
export type StoredMetadata = v.InferOutput<typeof StoredMetadata>;

export const replaceUserMetadata = {
  does: "Puts metadata that its user signed in the place of an older version",
  who: "anyone",
  params: OfUser,
  body: UserMetadataRecord,
  signed: true,
  answers: { 200: StoredMetadata },
  problems: ["invalid-user-signature", "not-registered", "stale-version", "unavailable"],
} as const satisfies Plan;
