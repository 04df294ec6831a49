/** Each entry moves the schema one version on and is never changed afterwards. Times are milliseconds since the epoch. */
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
      total INTEGER NOT NULL,
      next INTEGER NOT NULL DEFAULT 0,
      verified INTEGER NOT NULL DEFAULT 0,
      rehydrated INTEGER NOT NULL DEFAULT 0,
      partial INTEGER NOT NULL DEFAULT 0,
      failed INTEGER NOT NULL DEFAULT 0,
      message TEXT
    )`,
    "CREATE UNIQUE INDEX run_active ON run (state) WHERE state = 'running'",
    // Blocks of a run that were not simply ok.
    "CREATE TABLE result (run_id TEXT, block_number INTEGER, report TEXT NOT NULL, PRIMARY KEY (run_id, block_number)) WITHOUT ROWID",
    // Blocks whose latest verification left something undone.
    "CREATE TABLE trouble (block_number INTEGER PRIMARY KEY, status TEXT NOT NULL, report TEXT NOT NULL, at INTEGER NOT NULL)",
    "CREATE TABLE rehydrated (tier TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE counted (tier TEXT PRIMARY KEY, blocks INTEGER NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID",
  ],
];
