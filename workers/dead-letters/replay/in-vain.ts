import * as v from "valibot";
import { chainHead } from "../../../shared/objects/chain-head.ts";
import { parseCanonical } from "../../../shared/crypto/canonical.ts";
import { Envelope } from "../../../shared/crypto/envelope.ts";
import type { PermanentReason } from "../../../shared/runtime/errors.ts";
import { issuesText } from "../../../shared/schema/issue-text.ts";
import {
  CheckpointBlock,
  CleanBlock,
  IndexBlock,
  isOfNewerVersion,
  isSealedForItself,
  MineRequest,
  PendingTransaction,
  PersistBlock,
  VerifyStorage,
} from "../../../shared/queue/messages.ts";
import type { StageName } from "../../../shared/pipeline.ts";
import { r2Keys } from "../../../shared/storage/layout.ts";
import { settleConnections } from "../../../shared/storage/limits.ts";
import { readPending } from "../../../shared/storage/pending.ts";
import type { EntryRow } from "../entries/entry-row.ts";
import type { Env } from "../env.ts";
import { readRecord } from "../entries/record.ts";
import { isSetAside } from "../entries/work-status.ts";

/**
 * Says for each letter why it would fail again if it were sent now, as far as that shows without the system's keys; `undefined`
 * where a replay may succeed. Reads one object of R2 for each letter.
 * @throws Error when R2 or the chain head does not answer: unknown is not "may succeed"
 */
export async function whyInVain(
  rows: readonly EntryRow[],
  env: Env,
): Promise<readonly (string | undefined)[]> {
  const openable = rows.some(isSetAside) ? await chainHead(env).openableKeys() : null;
  const answers = await settleConnections(rows, (row) =>
    isSetAside(row) ? whyNotMined(row, openable, env) : whyNotTaken(row, env),
  );
  return answers.map((answer) => {
    if (answer.status === "rejected") throw answer.reason;
    return answer.value;
  });
}

/** Faults that stay, however often the miner checks the same transaction. */
const FINAL: Partial<Record<PermanentReason, string>> = {
  asset_exists: "the chain holds an earlier transaction that created its asset",
  user_exists: "the chain holds an earlier registration of its user",
  not_own_key: "it registers another key than the one that signs it",
  invalid_signature: "its user's signature does not verify",
};

async function whyNotMined(
  { tx_id, reason }: EntryRow,
  openable: readonly string[] | null,
  env: Env,
): Promise<string | undefined> {
  const final = FINAL[reason as PermanentReason];
  if (final !== undefined) return final;
  const txId = tx_id ?? "";
  const bytes = await readPending(env.R2, txId, true);
  if (bytes === undefined)
    return `neither ${r2Keys.setAside(txId)} nor ${r2Keys.pending(txId)} is in R2: restore it from a backup`;
  const envelope = envelopeIn(bytes);
  if (envelope?.txId !== txId) return "its object in R2 is damaged: restore it from a backup";
  if (openable === null || openable.includes(envelope.kid)) return undefined;
  return `the miner's keyring, as the miner last reported it, holds no key ${envelope.kid}: put it back as decrypt-only`;
}

function envelopeIn(bytes: Uint8Array): Envelope | undefined {
  try {
    return parseCanonical(Envelope, bytes);
  } catch {
    return undefined; // parsing is the check
  }
}

/** The message that each stage takes from its queue. */
const MESSAGES = {
  "pending-writer": PendingTransaction,
  miner: MineRequest,
  "tier-persister": PersistBlock,
  indexer: IndexBlock,
  "pending-cleaner": CleanBlock,
  checkpointer: CheckpointBlock,
  "storage-verifier": VerifyStorage,
} as const satisfies Record<StageName, v.GenericSchema>;

async function whyNotTaken({ id, stage }: EntryRow, env: Env): Promise<string | undefined> {
  const key = r2Keys.deadLetter(stage, id);
  const record = await readRecord(env.R2, key);
  if (record === undefined) return `${key} is not in R2: restore it from a backup`;
  const { message } = record;
  if (isOfNewerVersion(message)) return undefined; // a newer Worker may take it
  const { success, issues } = v.safeParse<v.GenericSchema>(MESSAGES[stage], message);
  if (!success) return `${stage} can't take it: ${issuesText(issues, "the message")}`;
  return v.is(PendingTransaction, message) && !isSealedForItself(message)
    ? "its envelope is sealed for another transaction"
    : undefined;
}
