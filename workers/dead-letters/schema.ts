import { migrateTo, type Sql } from "../../shared/durable-object/sqlite.ts";

/** Time from a failure to the first probe of its stage. The migrations contain the value, so it never changes. */
const FIRST_WAIT_MS = 60_000;

/** Schedules a probe: a letter that used up its retries shows that its stage fails. The stage is probed after its wait. */
const STAGE_FAILED = `UPDATE recovery SET works_from = NULL,
        due = CASE WHEN due IS NULL OR works_from IS NOT NULL THEN NEW.last_seen + wait ELSE due END
        WHERE stage = NEW.stage;`;

/** Each entry moves the schema one version on and never changes afterwards. Times are milliseconds since the epoch. */
const MIGRATIONS: readonly (readonly string[])[] = [
  [
    `CREATE TABLE entry (
      id TEXT PRIMARY KEY,
      stage TEXT NOT NULL,
      reason TEXT NOT NULL,
      error TEXT NOT NULL,
      tx_id TEXT,
      block_number NUMERIC,
      first_seen INTEGER NOT NULL,
      last_seen INTEGER NOT NULL,
      failures TEXT NOT NULL,
      state TEXT NOT NULL,
      dismissed_by TEXT,
      dismissed_reason TEXT,
      dismissed_at INTEGER,
      replay_id TEXT,
      replayed_at INTEGER,
      check_at INTEGER
    )`,
    "CREATE INDEX entry_by_age ON entry (first_seen, id)",
    "CREATE INDEX entry_of_state ON entry (state, first_seen, id)",
    "CREATE INDEX entry_of_transaction ON entry (tx_id) WHERE tx_id IS NOT NULL",
    "CREATE INDEX entry_of_block ON entry (block_number) WHERE block_number IS NOT NULL",
    "CREATE INDEX entry_to_check ON entry (check_at) WHERE check_at IS NOT NULL",
    "CREATE TABLE counted (state TEXT, stage TEXT, entries INTEGER NOT NULL, PRIMARY KEY (state, stage)) WITHOUT ROWID",
    `CREATE TRIGGER entry_inserted AFTER INSERT ON entry BEGIN
      INSERT INTO counted (state, stage, entries) VALUES (NEW.state, NEW.stage, 1)
        ON CONFLICT (state, stage) DO UPDATE SET entries = entries + 1;
    END`,
    `CREATE TRIGGER entry_moved AFTER UPDATE OF state ON entry WHEN OLD.state <> NEW.state BEGIN
      UPDATE counted SET entries = entries - 1 WHERE state = OLD.state AND stage = OLD.stage;
      INSERT INTO counted (state, stage, entries) VALUES (NEW.state, NEW.stage, 1)
        ON CONFLICT (state, stage) DO UPDATE SET entries = entries + 1;
    END`,
    `CREATE TABLE replay (
      id TEXT PRIMARY KEY,
      state TEXT NOT NULL,
      reason TEXT NOT NULL,
      operator TEXT NOT NULL,
      created_at INTEGER NOT NULL,
      ended_at INTEGER,
      rate INTEGER NOT NULL,
      total INTEGER NOT NULL,
      replayed INTEGER NOT NULL DEFAULT 0,
      skipped INTEGER NOT NULL DEFAULT 0,
      failed INTEGER NOT NULL DEFAULT 0
    )`,
    "CREATE INDEX replay_by_age ON replay (created_at)",
    "CREATE UNIQUE INDEX replay_running ON replay (state) WHERE state = 'running'",
    `CREATE TABLE replay_item (
      replay_id TEXT NOT NULL,
      position INTEGER NOT NULL,
      entry_id TEXT NOT NULL,
      tries INTEGER NOT NULL DEFAULT 0,
      outcome TEXT NOT NULL DEFAULT 'waiting',
      detail TEXT NOT NULL DEFAULT '',
      PRIMARY KEY (replay_id, position)
    ) WITHOUT ROWID`,
    "CREATE INDEX replay_item_waiting ON replay_item (replay_id, position) WHERE outcome = 'waiting'",
    "CREATE UNIQUE INDEX replay_item_entry ON replay_item (replay_id, entry_id)",
    `CREATE TRIGGER replay_item_settled AFTER UPDATE OF outcome ON replay_item BEGIN
      UPDATE replay SET
        replayed = replayed + (NEW.outcome = 'replayed') - (OLD.outcome = 'replayed'),
        skipped = skipped + (NEW.outcome = 'skipped') - (OLD.outcome = 'skipped'),
        failed = failed + (NEW.outcome = 'failed') - (OLD.outcome = 'failed')
        WHERE id = NEW.replay_id;
    END`,
    "CREATE TABLE idempotency_key (key TEXT PRIMARY KEY, request TEXT NOT NULL, answer TEXT NOT NULL, at INTEGER NOT NULL)",
    "CREATE INDEX idempotency_key_by_age ON idempotency_key (at)",
    "CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    // A new storage is empty: the records in R2 are read into it first.
    `INSERT INTO fact (name, value) VALUES ('reindex', '{"cursor":null}')`,
  ],
  ["ALTER TABLE entry ADD COLUMN earlier_attempts INTEGER NOT NULL DEFAULT 0"],
  [
    "ALTER TABLE entry ADD COLUMN sealed_tx_id TEXT",
    "CREATE INDEX entry_of_envelope ON entry (coalesce(sealed_tx_id, tx_id))",
    "CREATE TABLE erased (tx_id TEXT PRIMARY KEY, by TEXT NOT NULL, reason TEXT NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID",
    // Only R2 knows whose envelopes the existing entries hold, so its records are read again.
    `INSERT OR REPLACE INTO fact (name, value) VALUES ('reindex', '{"cursor":null}')`,
  ],
  [
    "ALTER TABLE replay ADD COLUMN automatic INTEGER NOT NULL DEFAULT 0",
    // 1: read from R2 into a new storage. An operator may have dismissed the entry before the old storage was lost.
    "ALTER TABLE entry ADD COLUMN needs_operator INTEGER NOT NULL DEFAULT 0",
    `CREATE INDEX entry_exhausted ON entry (stage, coalesce(replayed_at, 0))
       WHERE state = 'open' AND reason = 'retries_exhausted' AND needs_operator = 0`,
    // wait: milliseconds until the next probe. due: null when no exhausted letter is open. works_from: letters sent before this
    // time may be sent again, because one has succeeded; null while the stage is probed. held_until: an operator stopped the
    // stage's replays until then.
    `CREATE TABLE recovery (stage TEXT PRIMARY KEY, wait INTEGER NOT NULL, due INTEGER, works_from INTEGER,
       held_until INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID`,
    `INSERT INTO recovery (stage, wait) VALUES ('pending-writer', ${FIRST_WAIT_MS}), ('miner', ${FIRST_WAIT_MS}),
       ('tier-persister', ${FIRST_WAIT_MS}), ('indexer', ${FIRST_WAIT_MS}), ('pending-cleaner', ${FIRST_WAIT_MS}),
       ('storage-verifier', ${FIRST_WAIT_MS})`,
    "UPDATE recovery SET due = 0 WHERE stage IN (SELECT stage FROM counted WHERE state = 'open' AND entries > 0)",
    `CREATE TRIGGER exhausted_letter AFTER INSERT ON entry
      WHEN NEW.state = 'open' AND NEW.reason = 'retries_exhausted' AND NEW.needs_operator = 0 BEGIN
      ${STAGE_FAILED}
    END`,
    `CREATE TRIGGER exhausted_again AFTER UPDATE OF failures ON entry
      WHEN NEW.failures <> OLD.failures AND NEW.state = 'open' AND NEW.reason = 'retries_exhausted'
        AND NEW.needs_operator = 0 BEGIN
      ${STAGE_FAILED}
    END`,
    // An abort, or a message that a queue has lost, says nothing about the stage.
    `CREATE TRIGGER exhausted_opened AFTER UPDATE OF state, needs_operator ON entry
      WHEN NEW.state = 'open' AND NEW.needs_operator = 0 AND (OLD.state <> 'open' OR OLD.needs_operator = 1)
        AND NEW.reason = 'retries_exhausted' BEGIN
      UPDATE recovery SET due = coalesce(due, NEW.last_seen + wait) WHERE stage = NEW.stage;
    END`,
    // Only the first success makes the stage due at once: one stage with many letters must not delay the others. A letter that was
    // sent before an operator's abort, or during its hold, releases nothing. A letter without a transaction or block releases
    // nothing either, because no Worker reports that its work was done.
    `CREATE TRIGGER exhausted_done AFTER UPDATE OF state ON entry
      WHEN NEW.state = 'resolved' AND OLD.state = 'replaying' AND NEW.reason = 'retries_exhausted'
        AND (NEW.tx_id IS NOT NULL OR NEW.block_number IS NOT NULL) BEGIN
      UPDATE recovery SET works_from = coalesce(works_from, NEW.replayed_at + 1),
        due = CASE WHEN due IS NULL OR works_from IS NOT NULL THEN due ELSE 0 END, wait = ${FIRST_WAIT_MS}
        WHERE stage = NEW.stage AND NEW.replayed_at >= held_until;
    END`,
  ],
  // JSON of the selection and of the last entry that was looked at; null: all that is selected is in the replay.
  ["ALTER TABLE replay ADD COLUMN selecting TEXT"],
  [`INSERT INTO recovery (stage, wait) VALUES ('checkpointer', ${FIRST_WAIT_MS})`],
];

export function migrate(sql: Sql): void {
  migrateTo(sql, MIGRATIONS, "the dead letters'");
}
