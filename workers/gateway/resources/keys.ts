import { traitOf } from "../../../shared/chain/public-text.ts";
import { REVOCATION_FAULT_TEXTS } from "../../../shared/chain/signing-keys.ts";
import { chainHead } from "../../../shared/objects/chain-head.ts";
import { json } from "../../../shared/http/answer.ts";
import { Problem, type ProblemSlug } from "../../../shared/http/problems.ts";
import type { RevocationAnswer } from "../../chain-head/decisions/signing-keys.ts";
import { operation } from "../http/operation.ts";
import * as api from "../../../shared/api/keys.ts";

const REFUSALS: Readonly<
  Record<Extract<RevocationAnswer, { refused: unknown }>["refused"], readonly [ProblemSlug, string]>
> = {
  unknown_key: ["not-found", "The chain has announced no signing key of this id"],
  present_key: [
    "not-ready",
    "This key signs the chain now. Deploy a new keyring first (vdc keys rotate) and mine a block: it announces the new key, which can then revoke this one",
  ],
  future: ["not-ready", `A block never ${REVOCATION_FAULT_TEXTS.future}: choose a block that is there`],
  not_earlier: [
    "not-needed",
    "It is revoked from this block, or an earlier one, on already; see /.well-known/vdc.json",
  ],
  another_waits: ["not-ready", "The next block revokes this key from another block on: ask again after it"],
  restoring: ["not-ready", "The chain is being restored: ask again when that has ended"],
};

export const revokeKey = operation(api.revokeKey, async ({ env, params: { keyId }, body, log }) => {
  const trait = traitOf(body.reason);
  if (trait !== undefined)
    throw new Problem("personal-data", `The reason is public for ever, and holds a ${trait}.`);
  const answer = await chainHead(env).revokeKey({ keyId, ...body });
  if ("refused" in answer) {
    const [slug, detail] = REFUSALS[answer.refused];
    throw new Problem(slug, `${detail}.`);
  }
  const { blockNumber, reason: stated } = answer;
  log.warn("key.revoked", { keyId, fromBlock: body.fromBlock, blockNumber });
  const revocation = { keyId, fromBlock: body.fromBlock, reason: stated };
  if (blockNumber !== null) return json({ ...revocation, blockNumber } satisfies api.KeyRevoked);
  const statusUrl = "/.well-known/vdc.json";
  return json({ ...revocation, statusUrl } satisfies api.RevocationRequested, {
    status: 202,
    headers: { location: statusUrl },
  });
});
