import { chainHead } from "../../../shared/objects/chain-head.ts";
import { type Log } from "../../../shared/runtime/log.ts";
import { reasonText } from "../../../shared/schema/reason-text.ts";
import { r2Keys } from "../../../shared/storage/layout.ts";
import { settleConnections } from "../../../shared/storage/limits.ts";
import type { Readmission } from "../../chain-head/decisions/readmit.ts";
import { ERASED, replayed } from "./actions.ts";
import type { EntryRow } from "../entries/entries.ts";
import { queueOf, type Env } from "../env.ts";
import { getValue, setValue } from "../key-values.ts";
import { readRecord } from "../entries/record.ts";
import { begin, finish, nextPortion, type Sent } from "./replay-portion.ts";
import { activeReplay, MOST_AT_ONCE, selectNext } from "./replays.ts";
import { ask, isSetAside, REFUSED } from "../entries/standing.ts";
import type { Store } from "../store.ts";

const PAUSE_AFTER_FAILURE = 2_000; // milliseconds

/** Returns when the running replay may send next, in milliseconds since the epoch; `undefined` when no replay runs. */
export function replayDue({ sql }: Store): number | undefined {
  return activeReplay(sql) && getValue(sql, "replayDue");
}

/**
 * Sends the next portion of the running replay, no larger than its rate allows. It may be repeated: a message that is sent twice
 * takes effect once, and a transaction is readmitted only when it is set aside.
 */
export async function replayNext(store: Store, env: Env, log: Log): Promise<void> {
  const replay = activeReplay(store.sql);
  if (replay === undefined) return;
  const { size, milliseconds } = portionAt(replay.rate);
  const portion = nextPortion(store.sql, replay.id, size);
  const known = await ask(
    portion.map(({ row }) => row),
    env,
  );
  const due = store.decide((now) => {
    setValue(store.sql, "replayDue", now + milliseconds);
    const begun = begin(store.sql, replay, size, known, now);
    selectNext(store.sql);
    return begun;
  });
  const sent = await sendAll(due, env);
  store.decide((now) => {
    finish(store.sql, replay, sent, now);
    if ([...sent.values()].some(({ outcome }) => outcome === "again"))
      setValue(store.sql, "replayDue", now + PAUSE_AFTER_FAILURE);
  });
  for (const row of due)
    log.info("dead_letter.replayed", {
      replayId: replay.id,
      id: row.id,
      stage: row.stage,
      outcome: sent.get(row.id)?.outcome,
    });
}

/** Splits the rate into equal portions of at most `MOST_AT_ONCE` entries, so that no second has more than the rate allows. */
function portionAt(rate: number): { size: number; milliseconds: number } {
  const inSecond = Math.ceil(rate / MOST_AT_ONCE);
  return { size: Math.floor(rate / inSecond), milliseconds: Math.ceil(1_000 / inSecond) };
}

/** Sends the entries and returns the result of each, by id. A failure of one does not affect the others. */
async function sendAll(rows: readonly EntryRow[], env: Env): Promise<ReadonlyMap<string, Sent>> {
  const setAside = rows.filter(isSetAside);
  const messages = rows.filter((row) => !isSetAside(row));
  const sent = await settleConnections(messages, (row) => sendOne(row, env));
  return new Map([
    ...(await readmitAll(setAside, env)),
    ...messages.map((row, i) => [row.id, outcomeOf(sent[i])] as const),
  ]);
}

async function sendOne(row: EntryRow, env: Env): Promise<Sent> {
  const key = r2Keys.deadLetter(row.stage, row.id);
  const record = await readRecord(env.R2, key);
  if (record === undefined)
    return { outcome: "failed", detail: `${key} is not in R2: restore it from a backup` };
  await queueOf(row.stage, env).send(record.message);
  return { outcome: "replayed", detail: replayed(row) };
}

async function readmitAll(rows: readonly EntryRow[], env: Env): Promise<(readonly [string, Sent])[]> {
  if (rows.length === 0) return [];
  const txIds = rows.flatMap(({ tx_id }) => tx_id ?? []);
  const [answer] = await Promise.allSettled([chainHead(env).readmit(txIds)]);
  return rows.map((row, i) => [
    row.id,
    answer.status === "fulfilled" ? ofReadmission(row, answer.value[i]) : outcomeOf(answer),
  ]);
}

function ofReadmission(row: EntryRow, readmission: Readmission | undefined): Sent {
  switch (readmission) {
    case "readmitted":
      return { outcome: "replayed", detail: replayed(row) };
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
    default:
      return { outcome: "failed", detail: "the chain head does not know this transaction" };
  }
}

function outcomeOf(result: PromiseSettledResult<Sent> | PromiseRejectedResult | undefined): Sent {
  if (result?.status === "fulfilled") return result.value;
  return { outcome: "again", detail: `could not be sent: ${reasonText(result?.reason)}` };
}
