import type { Sql } from "../../../shared/durable-object/sqlite.ts";
import type { DeadLetterState, Failure } from "../../../shared/api/dead-letters.ts";
import type { StageName } from "../../../shared/pipeline.ts";

export type EntryRow = {
  id: string;
  stage: StageName;
  reason: string;
  error: string;
  tx_id: string | null;
  /** Id of the transaction whose envelope the message holds. */
  sealed_tx_id: string | null;
  block_number: number | null;
  first_seen: number;
  last_seen: number;
  /** JSON of the failures, the latest first. */
  failures: string;
  earlier_attempts: number;
  state: DeadLetterState;
  dismissed_by: string | null;
  dismissed_reason: string | null;
  dismissed_at: number | null;
  /** The replay that last sent the message; cleared when the message fails again. */
  replay_id: string | null;
  replayed_at: number | null;
  /** When to ask the chain head whether the work is done; null: it can't tell, or it does not matter. */
  check_at: number | null;
  /** 1: never replayed without an operator. Reindexing inserted the entry, and it has not failed or been replayed since. */
  needs_operator: number;
};

export function findEntry(sql: Sql, id: string): EntryRow | undefined {
  return sql.exec<EntryRow>("SELECT * FROM entry WHERE id = ?", id).toArray()[0];
}

/** Returns the failures of an entry, the latest first. */
export function failuresOf({ failures }: EntryRow): Failure[] {
  return JSON.parse(failures) as Failure[];
}
