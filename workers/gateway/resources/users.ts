import { json } from "../../../shared/http/answer.ts";
import { done } from "../../../shared/http/rpc-result.ts";
import { Problem } from "../../../shared/http/problems.ts";
import { kvKeys } from "../../../shared/storage/layout.ts";
import type { UserMetadataRecord } from "../../../shared/chain/user-metadata.ts";
import { operation } from "../http/operation.ts";
import * as api from "../../../shared/api/users.ts";

export const userMetadata = operation(api.userMetadata, async ({ env, params: { userId } }) => {
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
});

export const replaceUserMetadata = operation(
  api.replaceUserMetadata,
  async ({ env, params: { userId }, body, requestId }) => {
    if (body.userId !== userId)
      throw new Problem("invalid-body", "Member userId: it is not the user of the path.", {
        members: { member: "userId" },
      });
    const stored = done(await env.ACCOUNTS.replaceMetadata(body, requestId));
    return json(stored satisfies api.StoredMetadata);
  },
);
