import { migrateTo, type Sql } from "../../../shared/durable-object/sqlite.ts";

export type { Sql } from "../../../shared/durable-object/sqlite.ts";

/** Conditions of the partial indexes below, for the row before and after a change. Each yields 1 or 0. */
const UNPAID = conditionOf((row) => [
  `${row}.received_at IS NOT NULL`,
  `${row}.paid_by IS NULL`,
  `${row}.expired_at IS NULL`,
]);
const UNRELEASED = conditionOf((row) => [
  `${row}.received_at IS NOT NULL`,
  `${row}.paid_by IS NOT NULL`,
  `${row}.admitted = 0`,
]);

/**
 * The need of a transaction that was admitted or registered before needs were stored. It may be any grant. It has the form of a
 * grant, so that it travels in messages and object metadata; no content has this hash.
 */
export const UNKNOWN_NEED = "0".repeat(64);

function conditionOf(terms: (row: "NEW" | "OLD") => string[]) {
  return { new: terms("NEW").join(" AND "), old: terms("OLD").join(" AND ") };
}

/**
 * Each entry moves the schema one version on and never changes afterwards. Times are milliseconds since the epoch. A row of `tx`
 * stays for ever, so that no id is admitted twice; only the row of a refused submission is deleted: `refused.ts`.
 */
export const MIGRATIONS: readonly (readonly string[])[] = [
  [
    `CREATE TABLE tx (
      id TEXT PRIMARY KEY,
      sequence INTEGER NOT NULL,
      timestamp INTEGER NOT NULL,
      size INTEGER NOT NULL,
      admitted_at INTEGER NOT NULL,
      state TEXT NOT NULL,
      block INTEGER,
      position INTEGER,
      reason TEXT,
      error TEXT,
      set_aside_at INTEGER,
      set_aside_from INTEGER,
      parked INTEGER NOT NULL DEFAULT 0,
      moved INTEGER NOT NULL DEFAULT 0 -- its envelope is the one in set-aside/
    ) WITHOUT ROWID`,
    "CREATE INDEX tx_waiting ON tx (sequence) WHERE state = 'pending'",
    "CREATE INDEX tx_of_block ON tx (block, position) WHERE block IS NOT NULL",
    "CREATE INDEX tx_set_aside ON tx (set_aside_at, id) WHERE state = 'set_aside'",
    "CREATE INDEX tx_unparked ON tx (set_aside_at, id) WHERE state = 'set_aside' AND parked = 0",
    `CREATE TABLE block (
      number INTEGER PRIMARY KEY,
      state TEXT NOT NULL,
      revision INTEGER NOT NULL,
      timestamp INTEGER NOT NULL,
      previous_hash TEXT NOT NULL,
      history_root TEXT NOT NULL,
      transactions INTEGER NOT NULL,
      system_transactions INTEGER NOT NULL DEFAULT 0,
      hash TEXT,
      sha256 TEXT,
      byte_length INTEGER,
      key_id TEXT,
      ipfs_hash TEXT,
      reserved_at INTEGER NOT NULL,
      sealed_at INTEGER,
      persisted_at INTEGER,
      indexed_at INTEGER,
      complete_at INTEGER,
      nudged_at INTEGER NOT NULL,
      nudges INTEGER NOT NULL DEFAULT 0
    )`,
    "CREATE INDEX block_unfinished ON block (number) WHERE state <> 'complete'",
    "CREATE TABLE history_node (level INTEGER, position INTEGER, hash TEXT NOT NULL, PRIMARY KEY (level, position)) WITHOUT ROWID",
    `CREATE TABLE signing_key (
      key_id TEXT PRIMARY KEY,
      public_key TEXT NOT NULL,
      announced_in INTEGER NOT NULL,
      first_block INTEGER,
      last_block INTEGER
    ) WITHOUT ROWID`,
    "CREATE TABLE asset (id TEXT PRIMARY KEY, created_by TEXT, last_block INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE ignored_event (reason TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
  ],
  [
    "CREATE TABLE latency (milestone TEXT PRIMARY KEY, seconds TEXT NOT NULL) WITHOUT ROWID",
    "CREATE INDEX block_foreign_cid ON block (number) WHERE substr(ipfs_hash, 1, 2) <> 'Qm'",
  ],
  [
    "ALTER TABLE asset ADD COLUMN owner TEXT", // key id; null: no key can transfer the asset
    "CREATE TABLE user (id TEXT PRIMARY KEY, encryption_key_id TEXT NOT NULL, registered_in INTEGER NOT NULL) WITHOUT ROWID",
    // A submission that waits for its payment (received_at), a payment that waits for its submission (paid_by), or both.
    `CREATE TABLE intent (
      tx_id TEXT PRIMARY KEY,
      timestamp INTEGER,
      size INTEGER,
      received_at INTEGER,
      expired_at INTEGER,
      paid_by TEXT,
      admitted INTEGER NOT NULL DEFAULT 0,
      owed_since INTEGER -- since when it has been both, submitted and paid
    ) WITHOUT ROWID`,
    "CREATE INDEX intent_unpaid ON intent (received_at) WHERE received_at IS NOT NULL AND paid_by IS NULL AND expired_at IS NULL",
    "CREATE INDEX intent_paid ON intent (tx_id) WHERE received_at IS NOT NULL AND paid_by IS NOT NULL AND admitted = 0",
    "CREATE INDEX intent_owed ON intent (owed_since) WHERE received_at IS NOT NULL AND paid_by IS NOT NULL AND admitted = 0",
    "CREATE TABLE counted (name TEXT PRIMARY KEY, intents INTEGER NOT NULL) WITHOUT ROWID",
    "INSERT INTO counted (name, intents) VALUES ('unpaid', 0), ('unreleased', 0)",
    `CREATE TRIGGER intent_inserted AFTER INSERT ON intent BEGIN
      UPDATE counted SET intents = intents + (${UNPAID.new}) WHERE name = 'unpaid';
      UPDATE counted SET intents = intents + (${UNRELEASED.new}) WHERE name = 'unreleased';
    END`,
    `CREATE TRIGGER intent_updated AFTER UPDATE ON intent BEGIN
      UPDATE counted SET intents = intents + (${UNPAID.new}) - (${UNPAID.old}) WHERE name = 'unpaid';
      UPDATE counted SET intents = intents + (${UNRELEASED.new}) - (${UNRELEASED.old}) WHERE name = 'unreleased';
    END`,
  ],
  [
    // The grant that the transaction makes true once it is mined; null when it makes none true.
    "ALTER TABLE tx ADD COLUMN grants TEXT",
    "CREATE INDEX tx_granting ON tx (grants) WHERE grants IS NOT NULL",
    "ALTER TABLE intent ADD COLUMN grants TEXT",
    // When the row of a refused submission is deleted.
    "ALTER TABLE tx ADD COLUMN forget_at INTEGER",
    "CREATE INDEX tx_refused ON tx (forget_at) WHERE forget_at IS NOT NULL",
    "DROP INDEX tx_set_aside",
    "CREATE INDEX tx_set_aside ON tx (set_aside_at) WHERE state = 'set_aside' AND forget_at IS NULL",
  ],
  [
    // 1: the transaction comes from Stripe, or a payment pays for it, so it has a claim to half of each block.
    "ALTER TABLE tx ADD COLUMN paid INTEGER NOT NULL DEFAULT 0",
    // The grant without which the transaction breaks a rule; `UNKNOWN_NEED` in every row from before this column.
    `ALTER TABLE tx ADD COLUMN needs TEXT DEFAULT '${UNKNOWN_NEED}'`,
    `ALTER TABLE intent ADD COLUMN needs TEXT DEFAULT '${UNKNOWN_NEED}'`,
    "CREATE INDEX tx_needing ON tx (needs, sequence) WHERE state = 'pending' AND needs IS NOT NULL",
    "CREATE INDEX tx_waiting_paid ON tx (sequence) WHERE state = 'pending' AND paid = 1 AND needs IS NULL",
    "CREATE INDEX tx_waiting_paid_needing ON tx (sequence) WHERE state = 'pending' AND paid = 1 AND needs IS NOT NULL",
    // The order of a block is that of `sequence`. A miner that holds an open reservation in another order must ask for it again.
    "UPDATE fact SET value = value + 1 WHERE name = 'revision'",
    "UPDATE block SET revision = revision + 1 WHERE state <> 'complete' AND state = 'reserved'",
  ],
  ["CREATE INDEX intent_expired ON intent (expired_at) WHERE expired_at IS NOT NULL AND paid_by IS NULL"],
  // Length of the envelope in bytes; 0 for a transaction that was admitted before this column.
  ["ALTER TABLE tx ADD COLUMN envelope_size INTEGER NOT NULL DEFAULT 0"],
  [
    // A set-aside transaction keeps its grant, because it may be replayed.
    "DROP INDEX tx_granting",
    "CREATE INDEX tx_granting ON tx (grants) WHERE grants IS NOT NULL AND state IN ('pending', 'reserved')",
  ],
  [
    // block: the block that states the revocation; null: the next one must.
    `CREATE TABLE key_revocation (
      key_id TEXT,
      from_block INTEGER,
      reason TEXT NOT NULL,
      requested_at INTEGER NOT NULL,
      block INTEGER,
      PRIMARY KEY (key_id, from_block)
    ) WITHOUT ROWID`,
  ],
  [
    // The CID of the sealed bytes, before any tier holds them. `ipfs_hash` is the one that IPFS holds.
    "ALTER TABLE block ADD COLUMN cid TEXT",
    "ALTER TABLE block ADD COLUMN previous_cid TEXT",
  ],
];

// These conditions repeat the words of the partial indexes above. Only then does SQLite use the index, so that the cost of a
// query does not grow with intents that were paid or expired long ago.
export const UNPAID_INTENT = "received_at IS NOT NULL AND paid_by IS NULL AND expired_at IS NULL";
export const UNRELEASED_INTENT = "received_at IS NOT NULL AND paid_by IS NOT NULL AND admitted = 0";

export const EXPIRED_INTENT = "expired_at IS NOT NULL AND paid_by IS NULL";

/** Condition of a transaction on its way into a block: its grant counts. */
export const GRANTING_TX = "state IN ('pending', 'reserved')";

export function migrate(sql: Sql): void {
  migrateTo(sql, MIGRATIONS, "the chain head's");
}
