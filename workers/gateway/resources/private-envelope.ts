import * as v from "valibot";
import { Envelope } from "../../../shared/crypto/envelope.ts";
import { fromUtf8 } from "../../../shared/crypto/bytes.ts";
import { deadLetters } from "../../../shared/objects/dead-letters.ts";
import { Problem } from "../../../shared/http/problems.ts";
import { r2Keys } from "../../../shared/storage/layout.ts";
import { readPrivateArchive } from "../../../shared/storage/private-archive.ts";
import { readObject } from "../../../shared/storage/r2-tier.ts";
import type { TransactionFacts } from "../../chain-head/reads/transaction.ts";
import { reindexing } from "./dead-letters.ts";
import type { Env } from "../env.ts";

export interface FoundEnvelope {
  readonly source: "archive" | "pending" | "set-aside" | "intent" | "dead-letter";
  readonly envelope: Envelope;
}

/**
 * Finds a transaction's envelope: in the archive of its block, else where the transaction waits, else in a dead letter.
 * @param facts the chain head's answer for the transaction; null when it is unknown
 * @throws Problem "erased", "not-found" or "unavailable"
 */
export async function findEnvelope(
  txId: string,
  facts: TransactionFacts | null,
  env: Env,
): Promise<FoundEnvelope> {
  if (facts?.reason === "erased") throw erased(txId);
  const found =
    (await fromArchive(txId, facts, env)) ??
    (await fromObject(env, r2Keys.pending(txId), "pending")) ??
    (await fromObject(env, r2Keys.setAside(txId), "set-aside")) ??
    (await fromObject(env, r2Keys.intent(txId), "intent")) ??
    (await fromDeadLetters(txId, env));
  if (found !== undefined) return found;
  throw new Problem(
    "not-found",
    facts === null
      ? "Neither the chain nor a dead letter has this transaction."
      : "Its envelope is in none of its places: restore private/ in R2 from a backup.",
    { members: { txId } },
  );
}

async function fromArchive(
  txId: string,
  facts: TransactionFacts | null,
  { R2 }: Env,
): Promise<FoundEnvelope | undefined> {
  if (facts === null || facts.block === null) return undefined;
  const archive = await readPrivateArchive(R2, facts.block.blockNumber);
  if (archive?.erased?.includes(txId) === true) throw erased(txId);
  return found("archive", archive?.envelopes[txId]);
}

async function fromObject(
  { R2 }: Env,
  key: string,
  source: "pending" | "set-aside" | "intent",
): Promise<FoundEnvelope | undefined> {
  const bytes = await readObject(R2, key);
  return found(source, bytes && parsed(bytes));
}

const Parked = v.object({ message: v.object({ envelope: v.unknown() }) });

async function fromDeadLetters(txId: string, env: Env): Promise<FoundEnvelope | undefined> {
  const letters = await deadLetters(env).letters(txId);
  if (letters === "reindexing") throw reindexing();
  for (const { stage, id } of letters) {
    const bytes = await readObject(env.R2, r2Keys.deadLetter(stage, id));
    const record = v.safeParse(Parked, bytes && parsed(bytes));
    const envelope = record.success ? found("dead-letter", record.output.message.envelope) : undefined;
    if (envelope !== undefined) return envelope;
  }
  return undefined;
}

/** Returns the envelope if the value is one. Any other value counts as missing, because another place may hold the envelope. */
function found(source: FoundEnvelope["source"], value: unknown): FoundEnvelope | undefined {
  return v.is(Envelope, value) ? { source, envelope: value } : undefined;
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(fromUtf8(bytes));
  } catch {
    return undefined; // damaged: it counts as missing
  }
}

function erased(txId: string): Problem {
  return new Problem("erased", "Its private part was erased. The audit log has who did it, and why.", {
    members: { txId },
  });
}
