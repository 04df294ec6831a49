import { keyValuesOf } from "../../../shared/durable-object/key-values.ts";
import { migrateTo, type Sql } from "../../../shared/durable-object/sqlite.ts";
import type { LogKeyStatement } from "../../../shared/tlog/endorsement.ts";

/** The checkpoints of both logs over the same blocks. */
export interface CheckpointPair {
  /** Number of blocks: the size of the log of blocks. */
  readonly size: number;
  /** Number of transactions: the size of the log of transactions. */
  readonly entries: number;
  /** Signed note of the log of blocks. */
  readonly blocks: string;
  /** Signed note of the log of transactions. */
  readonly transactions: string;
  /** When the pair was signed, in milliseconds since the epoch. */
  readonly at: number;
}

interface LogValues {
  /** The pair that was signed last. It is fixed before anything of it is published. */
  committed: CheckpointPair;
  /** The newest pair whose tiles and history are in R2. */
  shown: CheckpointPair;
  /** Keys that wait for the block key's endorsement. */
  toEndorse: Omit<LogKeyStatement, "genesisHash">;
}

export const { getValue, setValue, deleteValue } = keyValuesOf<LogValues>();

/** Each entry moves the schema one version on and never changes afterwards. An endorsement stays for ever. */
const MIGRATIONS: readonly (readonly string[])[] = [
  [
    "CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE endorsement (number INTEGER PRIMARY KEY, json TEXT NOT NULL)",
  ],
];

export function migrate(sql: Sql): void {
  migrateTo(sql, MIGRATIONS, "the log head's");
}
