import { chainHead } from "../../../shared/objects/chain-head.ts";
import { reasonText } from "../../../shared/schema/reason-text.ts";
import { r2Keys } from "../../../shared/storage/layout.ts";
import { settleConnections } from "../../../shared/storage/limits.ts";
import type { Readmission } from "../../chain-head/decisions/readmit.ts";
import type { EntryRow } from "../entries/entry-row.ts";
import { readRecord } from "../entries/record.ts";
import { isSetAside, REFUSED } from "../entries/work-status.ts";
import { queueOf, type Env } from "../env.ts";
import { ERASED, type SendResult } from "./decide.ts";

/** Sends the entries and returns the result of each, by id. A failure of one does not affect the others. */
export async function sendAll(rows: readonly EntryRow[], env: Env): Promise<ReadonlyMap<string, SendResult>> {
  const setAside = rows.filter(isSetAside);
  const messages = rows.filter((row) => !isSetAside(row));
  const sent = await settleConnections(messages, (row) => sendOne(row, env));
  return new Map([
    ...(await readmitAll(setAside, env)),
    ...messages.map((row, i) => [row.id, resultOf(sent[i])] as const),
  ]);
}

async function sendOne(row: EntryRow, env: Env): Promise<SendResult> {
  const key = r2Keys.deadLetter(row.stage, row.id);
  const record = await readRecord(env.R2, key);
  if (record === undefined)
    return { outcome: "failed", detail: `${key} is not in R2: restore it from a backup` };
  await queueOf(row.stage, env).send(record.message);
  return { outcome: "replayed" };
}

async function readmitAll(rows: readonly EntryRow[], env: Env): Promise<(readonly [string, SendResult])[]> {
  if (rows.length === 0) return [];
  const txIds = rows.flatMap(({ tx_id }) => tx_id ?? []);
  const [answer] = await Promise.allSettled([chainHead(env).readmit(txIds)]);
  return rows.map(({ id }, i) => [
    id,
    answer.status === "fulfilled" ? ofReadmission(answer.value[i] ?? "unknown") : resultOf(answer),
  ]);
}

function ofReadmission(readmission: Readmission): SendResult {
  switch (readmission) {
    case "readmitted":
      return { outcome: "replayed" };
    case "being_parked":
      return { outcome: "again", detail: "it has just failed again, and that is being put on record" };
    case "pending":
    case "reserved":
      return { outcome: "skipped", detail: "already waits for a block" };
    case "mined":
      return { outcome: "skipped", detail: "already mined" };
    case "erased":
      return { outcome: "skipped", detail: ERASED };
    case "refused":
      return { outcome: "skipped", detail: REFUSED };
    case "unknown":
      return { outcome: "failed", detail: "the chain head does not know this transaction" };
    default:
      return readmission satisfies never;
  }
}

function resultOf(settled: PromiseSettledResult<SendResult> | PromiseRejectedResult | undefined): SendResult {
  if (settled?.status === "fulfilled") return settled.value;
  return { outcome: "again", detail: `could not be sent: ${reasonText(settled?.reason)}` };
}
