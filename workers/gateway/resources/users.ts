import * as v from "valibot";
import { json } from "../../../shared/http/answer.ts";
import { done } from "../../../shared/http/outcome.ts";
import { Problem } from "../../../shared/http/problems.ts";
import { kvKeys } from "../../../shared/storage/layout.ts";
import { UserId, UserMetadataRecord } from "../../../shared/chain/user-metadata.ts";
import { operation } from "../http/operation.ts";

const OfUser = v.strictObject({ userId: UserId });

export const userMetadata = operation(
  {
    does: "A user's metadata, encrypted to the user; a change can take a minute to show everywhere, `version` says which it is",
    who: "anyone",
    params: OfUser,
    answers: { 200: UserMetadataRecord },
    problems: ["not-found"],
  },
  async ({ env, params: { userId } }) => {
    const record = await env.KV.get<UserMetadataRecord>(kvKeys.user(userId), "json");
    if (record === null)
      throw new Problem(
        "not-found",
        "This user has no metadata. What was just stored can take a minute to show everywhere.",
        { members: { userId } },
      );
    return json(record satisfies UserMetadataRecord, {
      headers: { "cache-control": "public, max-age=5" },
    });
  },
);

export const StoredMetadata = v.strictObject({ userId: UserId, version: UserMetadataRecord.entries.version });
export type StoredMetadata = v.InferOutput<typeof StoredMetadata>;

export const replaceUserMetadata = operation(
  {
    does: "Puts metadata that its user signed in the place of an older version",
    who: "anyone",
    params: OfUser,
    body: UserMetadataRecord,
    signed: true,
    answers: { 200: StoredMetadata },
    problems: ["invalid-user-signature", "not-registered", "stale-version", "unavailable"],
  },
  async ({ env, params: { userId }, body, requestId }) => {
    if (body.userId !== userId)
      throw new Problem("invalid-body", "Member userId: it is not the user of the path.", {
        members: { member: "userId" },
      });
    const stored = done(await env.ACCOUNTS.replaceMetadata(body, requestId));
    return json(stored satisfies StoredMetadata);
  },
);
