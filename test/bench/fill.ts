import { append } from "../../shared/chain/history.ts";
import { fromHex } from "../../shared/crypto/bytes.ts";
import type { Sql } from "../../shared/durable-object/sqlite.ts";
import { historyNodes } from "../../workers/chain-head/storage/history-nodes.ts";

/** The amount of data in a chain head and its dead letters. */
export interface Volume {
  readonly blocks: number;
  readonly mined: number;
  readonly waiting: number;
  readonly setAside: number;
  /** Half of them wait for their payment. The other half are paid and not released. */
  readonly intents: number;
  readonly deadLetters: number;
}

/** The numbers 0 to n − 1, as a table for INSERT ... SELECT. */
const NUMBERS =
  "WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < ?1)";

/** Returns the id of a filled transaction. The first digit is its kind: 1 mined, 2 pending, 3 set aside. */
export function filledTxId(kind: 1 | 2 | 3 | 4 | 5, n: number): string {
  return `vdc_tx_${kind}${n.toString(16).padStart(39, "0")}`;
}

const idOf = (kind: number) => `'vdc_tx_${kind}' || printf('%039x', n)`;

/** Fills the tables of a new chain head as its own decisions would. */
export function fillChainHead(sql: Sql, volume: Volume, now: number): void {
  const { blocks, mined, waiting, setAside, intents } = volume;
  const perBlock = Math.max(1, Math.ceil(mined / blocks));
  sql.exec(
    `${NUMBERS} INSERT INTO block (number, state, revision, timestamp, previous_hash, history_root, transactions, system_transactions,
     hash, sha256, cid, previous_cid, first_entry, byte_length, key_id, ipfs_hash, reserved_at, sealed_at, persisted_at, indexed_at, complete_at, nudged_at)
     SELECT n, 'complete', n + 1, ?2, printf('%064x', n), printf('%064x', n), ?3, 0,
     printf('%064x', n + 1), printf('%064x', n + 1), 'Qm' || n, iif(n = 0, NULL, 'Qm' || (n - 1)), n * ?3, 1000, 'key', 'Qm' || n, ?2, ?2, ?2, ?2, ?2, ?2 FROM numbers`,
    blocks,
    now - 86_400_000,
    perBlock,
  );
  sql.exec(
    `${NUMBERS} INSERT INTO tx (id, sequence, timestamp, size, admitted_at, state, block, position, needs)
     SELECT ${idOf(1)}, n + 1, ?2 + n, 500, ?2, 'mined', n / ?3, n % ?3, NULL FROM numbers`,
    mined,
    now - 86_400_000,
    perBlock,
  );
  sql.exec(
    `${NUMBERS} INSERT INTO tx (id, sequence, timestamp, size, admitted_at, state, needs)
     SELECT ${idOf(2)}, ?2 + n + 1, ?3 + n, 500, ?3, 'pending', NULL FROM numbers`,
    waiting,
    mined,
    now - 3_600_000,
  );
  sql.exec(
    `${NUMBERS} INSERT INTO tx (id, sequence, timestamp, size, admitted_at, state, reason, error, set_aside_at, set_aside_from, parked, needs)
     SELECT ${idOf(3)}, ?2 + n + 1, ?3 + n, 500, ?3, 'set_aside', 'unknown_asset', 'it transfers an asset that does not exist', ?3 + n, 1, 1, NULL FROM numbers`,
    setAside,
    mined + waiting,
    now - 3_600_000,
  );
  sql.exec(
    `${NUMBERS} INSERT INTO intent (tx_id, timestamp, size, received_at, paid_by, owed_since, needs)
     SELECT ${idOf(4)}, ?2, 500, ?2, iif(n % 2 = 0, NULL, ${idOf(5)}), iif(n % 2 = 0, NULL, ?2), NULL FROM numbers`,
    intents,
    now - 3_600_000,
  );
  const nodes = historyNodes(sql);
  for (let n = 0; n < blocks; n++) append(nodes, n, fromHex((n + 1).toString(16).padStart(64, "0")));
  const facts = {
    sequence: mined + waiting + setAside,
    approvedThrough: mined,
    revision: blocks,
    waiting,
    unapproved: waiting,
    pending: waiting,
    setAside,
    mined,
    founded: now,
    latest: blocks - 1,
    publishedLatest: blocks - 1,
    publishedPending: waiting,
    checkpointed: blocks,
  };
  for (const [name, value] of Object.entries(facts))
    sql.exec("INSERT OR REPLACE INTO fact (name, value) VALUES (?, ?)", name, JSON.stringify(value));
}

/** Fills the index of dead letters. Each letter is open and due to be checked. */
export function fillDeadLetters(sql: Sql, { deadLetters }: Volume, now: number): void {
  sql.exec(
    `${NUMBERS} INSERT INTO entry (id, stage, reason, error, tx_id, block_number, first_seen, last_seen, failures, state, check_at)
     SELECT printf('%032x', n), 'miner', 'unknown_asset', 'it transfers an asset that does not exist', ${idOf(3)}, 1, ?2 + n, ?2 + n,
     '[{"at":1,"reason":"unknown_asset","error":"it transfers an asset that does not exist","attempts":1}]', 'open', ?2 + n FROM numbers`,
    deadLetters,
    now - 86_400_000,
  );
}
