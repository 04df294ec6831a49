import * as v from "valibot";
import { BlockNumber } from "../../../shared/chain/block.ts";
import { traitOf } from "../../../shared/chain/public-text.ts";
import { REVOCATION_FAULT_TEXTS } from "../../../shared/chain/signing-keys.ts";
import { KeyRevocation, Sha256Hex } from "../../../shared/chain/transaction.ts";
import { chainHead } from "../../../shared/objects/chain-head.ts";
import { json } from "../../../shared/http/answer.ts";
import { Problem, type ProblemSlug } from "../../../shared/http/problems.ts";
import type { RevocationAnswer } from "../../chain-head/decisions/signing-keys.ts";
import { operation } from "../http/operation.ts";

const { fromBlock, reason } = KeyRevocation.entries;

export const RevocationRequest = v.strictObject({ fromBlock, reason });
export type RevocationRequest = v.InferOutput<typeof RevocationRequest>;

export const KeyRevoked = v.pipe(
  v.strictObject({ ...KeyRevocation.entries, blockNumber: BlockNumber }),
  v.description("The block states it; the reason is the one that stands there"),
);
export type KeyRevoked = v.InferOutput<typeof KeyRevoked>;

export const RevocationRequested = v.pipe(
  v.strictObject({ ...KeyRevocation.entries, statusUrl: v.string() }),
  v.description("The next block states it, and is made at once"),
);
export type RevocationRequested = v.InferOutput<typeof RevocationRequested>;

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

export const revokeKey = operation(
  {
    does: "Has the next block state, for ever, from which block on a retired signing key is not to be trusted",
    who: "operator",
    params: v.strictObject({ keyId: Sha256Hex }),
    body: RevocationRequest,
    answers: { 200: KeyRevoked, 202: RevocationRequested },
    problems: ["not-found", "not-ready", "not-needed", "personal-data"],
  },
  async ({ env, params: { keyId }, body, log }) => {
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
    if (blockNumber !== null) return json({ ...revocation, blockNumber } satisfies KeyRevoked);
    const statusUrl = "/.well-known/vdc.json";
    return json({ ...revocation, statusUrl } satisfies RevocationRequested, {
      status: 202,
      headers: { location: statusUrl },
    });
  },
);
