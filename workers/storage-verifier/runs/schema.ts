import type { StorageRun } from "../../../shared/api/storage-report.ts";

/** A row of the table `run`. */
export type RunRow = {
  id: string;
  kind: StorageRun["kind"];
  state: StorageRun["state"];
  repair: number;
  by: string;
  started_at: number;
  /** When the run last moved or was enqueued again; `nudges` counts the latter since it moved. */
  moved_at: number;
  nudges: number;
  finished_at: number | null;
  rolling: number;
  /** The run's first block, and its number of blocks. */
  first: number;
  total: number;
  next: number;
  /** Number of stored reports. */
  results: number;
  verified: number;
  rehydrated: number;
  partial: number;
  failed: number;
  untrusted: number;
  message: string | null;
  documents_total: number;
  documents_next: number;
  documents_after: string;
  documents_results: number;
  documents_verified: number;
  documents_rehydrated: number;
  documents_partial: number;
  documents_failed: number;
  log_plan: string | null;
  log_total: number | null;
  log_next: number;
  log_checked: number;
  log_restored: number;
  log_failed: number;
};

/** Each entry moves the schema one version on and never changes afterwards. Times are milliseconds since the epoch. */
export const MIGRATIONS: readonly (readonly string[])[] = [
  [
    `CREATE TABLE run (
      sequence INTEGER PRIMARY KEY AUTOINCREMENT,
      id TEXT NOT NULL UNIQUE,
      kind TEXT NOT NULL,
      state TEXT NOT NULL,
      repair INTEGER NOT NULL,
      by TEXT NOT NULL,
      started_at INTEGER NOT NULL,
      moved_at INTEGER NOT NULL,
      nudges INTEGER NOT NULL DEFAULT 0,
      finished_at INTEGER,
      rolling INTEGER NOT NULL DEFAULT 0,
      first INTEGER NOT NULL,
      total INTEGER NOT NULL,
      next INTEGER NOT NULL,
      results INTEGER NOT NULL DEFAULT 0,
      verified INTEGER NOT NULL DEFAULT 0,
      rehydrated INTEGER NOT NULL DEFAULT 0,
      partial INTEGER NOT NULL DEFAULT 0,
      failed INTEGER NOT NULL DEFAULT 0,
      message TEXT
    )`,
    "CREATE UNIQUE INDEX run_active ON run (state) WHERE state = 'running'",
    "CREATE INDEX run_verify ON run (sequence) WHERE kind = 'verify'",
    // The block at which the rolling verification continues, the beginning of its round, and the time since when every block has
    // been verified.
    `CREATE TABLE rolling (
      only INTEGER PRIMARY KEY CHECK (only = 1),
      next INTEGER NOT NULL,
      round_began_at INTEGER,
      verified_since INTEGER
    )`,
    "INSERT INTO rolling (only, next) VALUES (1, 0)",
    // Blocks of a run whose status is not simply ok.
    "CREATE TABLE result (run_id TEXT, block_number INTEGER, report TEXT NOT NULL, PRIMARY KEY (run_id, block_number)) WITHOUT ROWID",
    // Blocks whose latest verification left something undone. `wrong`: the tiers whose copy is missing or wrong, by comma.
    "CREATE TABLE trouble (block_number INTEGER PRIMARY KEY, status TEXT NOT NULL, wrong TEXT NOT NULL, at INTEGER NOT NULL)",
    "CREATE TABLE troubled (what TEXT PRIMARY KEY, blocks INTEGER NOT NULL) WITHOUT ROWID",
    "INSERT INTO troubled (what, blocks) VALUES ('failed', 0), ('partial', 0), ('kv', 0), ('r2', 0), ('ipfs', 0)",
    `CREATE TRIGGER trouble_noted AFTER INSERT ON trouble BEGIN
      UPDATE troubled SET blocks = blocks + 1 WHERE what = NEW.status OR instr(NEW.wrong, what) > 0;
    END`,
    `CREATE TRIGGER trouble_over AFTER DELETE ON trouble BEGIN
      UPDATE troubled SET blocks = blocks - 1 WHERE what = OLD.status OR instr(OLD.wrong, what) > 0;
    END`,
    "CREATE TABLE rehydrated (tier TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID",
  ],
  [
    // The documents of a run, which follow its blocks. `documents_after`: id of the last verified document.
    "ALTER TABLE run ADD COLUMN documents_total INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE run ADD COLUMN documents_next INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE run ADD COLUMN documents_after TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE run ADD COLUMN documents_results INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE run ADD COLUMN documents_verified INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE run ADD COLUMN documents_rehydrated INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE run ADD COLUMN documents_partial INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE run ADD COLUMN documents_failed INTEGER NOT NULL DEFAULT 0",
    "CREATE TABLE document_result (run_id TEXT, document_id TEXT, report TEXT NOT NULL, PRIMARY KEY (run_id, document_id)) WITHOUT ROWID",
    "ALTER TABLE rolling ADD COLUMN documents_after TEXT NOT NULL DEFAULT ''",
  ],
  // Number of blocks that a revoked key signed when it was not to be trusted.
  ["ALTER TABLE run ADD COLUMN untrusted INTEGER NOT NULL DEFAULT 0"],
  // `wrong` names `private` too, when R2 lacks private parts of the block.
  ["INSERT INTO troubled (what, blocks) VALUES ('private', 0)"],
  [
    // The tiles and checkpoints of the logs, which follow the blocks. `log_total`: null before their verification begins.
    "ALTER TABLE run ADD COLUMN log_plan TEXT",
    "ALTER TABLE run ADD COLUMN log_total INTEGER",
    "ALTER TABLE run ADD COLUMN log_next INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE run ADD COLUMN log_checked INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE run ADD COLUMN log_restored INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE run ADD COLUMN log_failed INTEGER NOT NULL DEFAULT 0",
  ],
];
