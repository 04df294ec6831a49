import { queueName } from "../../../shared/pipeline.ts";
import type { Sql } from "../../../shared/durable-object/sqlite.ts";
import type { EntryRow } from "../entries/entry-row.ts";
import { isErased } from "../entries/erased.ts";
import { isSetAside, isTraceable, workStatusOf, type ChainStates } from "../entries/work-status.ts";
import type { FactsAfterSending, FactsBeforeSending, SendResult } from "./decide.ts";
import type { PortionItem, ReplayRow } from "./store.ts";

export function factsBeforeSending(
  sql: Sql,
  { row, tries }: PortionItem,
  states: ChainStates,
  createdAt: number,
): FactsBeforeSending {
  return {
    step: "before_sending",
    entry: row,
    queue: queueFor(row),
    tries,
    isErased: isErased(sql, row),
    work: workStatusOf(row, states),
    createdAt,
  };
}

export function factsAfterSending(
  { row, tries }: PortionItem,
  replay: ReplayRow,
  isRunning: boolean,
  sent: SendResult,
): FactsAfterSending {
  return {
    step: "after_sending",
    entry: row,
    queue: queueFor(row),
    tries,
    sent,
    isOurs: row.replay_id === replay.id,
    isRunning,
    isAutomatic: replay.automatic === 1,
    isTraceable: isTraceable(row),
  };
}

function queueFor(row: EntryRow): string | null {
  return isSetAside(row) ? null : queueName(row.stage);
}
