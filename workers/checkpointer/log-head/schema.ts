import { keyValuesOf } from "../../../shared/durable-object/key-values.ts";
import { migrateTo, type Sql } from "../../../shared/durable-object/sqlite.ts";
import type { RootSignature } from "../../../shared/tlog/receipt.ts";
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
  /** Signatures over the root of the log of transactions, for COSE receipts; base64url. */
  readonly rootSignatures: readonly {
    readonly keyId: string;
    readonly type: RootSignature["type"];
    readonly signature: string;
  }[];
  /** When the pair was signed, in milliseconds since the epoch. */
  readonly at: number;
}

interface LogValues {
  /** The pair that was signed last. It is fixed before anything of it is published. */
  committed: CheckpointPair;
  /** The newest pair whose tiles and history are in R2. */
  shown: CheckpointPair;
  /** The newest pair that reached the quorum of the policy. */
  cosigned: CheckpointPair;
  /** The policy of the last round of requests to the witnesses: C2SP tlog-policy. */
  policy: string;
  /** When the last round began, in milliseconds since the epoch. */
  roundAt: number;
  /** Keys that wait for the block key's endorsement. */
  toEndorse: Omit<LogKeyStatement, "genesisHash">;
}

export const { getValue, setValue, deleteValue } = keyValuesOf<LogValues>();

/** Each entry moves the schema one version on and never changes afterwards. An endorsement stays for ever. */
const MIGRATIONS: readonly (readonly string[])[] = [
  [
    "CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE endorsement (number INTEGER PRIMARY KEY, json TEXT NOT NULL)",
    "CREATE TABLE witness (url TEXT, log TEXT, size INTEGER NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (url, log)) WITHOUT ROWID",
    "CREATE TABLE stamp (authority TEXT PRIMARY KEY, size INTEGER NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID",
  ],
];

export function migrate(sql: Sql): void {
  migrateTo(sql, MIGRATIONS, "the log head's");
}
