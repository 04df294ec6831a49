import { existsSync, statSync } from "node:fs";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { Option } from "commander";
import { equalBytes } from "../../shared/crypto/bytes.ts";
import { sha256 } from "../../shared/crypto/hash.ts";
import type { LedgerEntries, LedgerKeys } from "../../shared/chain/ledger.ts";
import type { ChainEnd, ChainMemory } from "../../shared/chain/verify-chain.ts";
import { CommandFailure, EXIT } from "../output/failure.ts";
import { callersPath } from "../files/path.ts";
import { Frontier, type FrontierJson } from "./frontier.ts";
import type { ChainReport } from "./report.ts";

export function stateOption(): Option {
  return new Option(
    "--state <file>",
    "keep what was verified in this file, and go on from it the next time. Whoever can write to it decides what counts as verified",
  ).argParser((text: string) => callersPath(text));
}

/** Marks a file as VDC's in the SQLite header: "vdc4". */
const APPLICATION_ID = 0x76646334;
const SCHEMA = `
  CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE seen (id TEXT PRIMARY KEY) WITHOUT ROWID;
  CREATE TABLE asset (id TEXT PRIMARY KEY, owner TEXT) WITHOUT ROWID;
  CREATE TABLE user (id TEXT PRIMARY KEY, encryption_key_id TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE verified (number INTEGER PRIMARY KEY, digest BLOB NOT NULL);
  CREATE TABLE kept (number INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
  PRAGMA application_id = ${APPLICATION_ID};`;

/** A verified block as the two logs have it. */
interface LoggedBlock {
  readonly hash: Uint8Array;
  readonly transactions: readonly Uint8Array[];
}

/** Most blocks that are verified again after a crash. */
const COMMIT_EVERY = 100;

/**
 * The verified part of a chain, in a database on disk: memory does not grow with the chain. A block counts once `save`
 * was called for it. A crash leaves a state that was saved.
 */
export class ChainState implements ChainMemory {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #end: ChainEnd | undefined;
  #report: ChainReport | undefined;
  readonly #blocks: Frontier;
  readonly #transactions: Frontier;
  #isBlockOpen = false;
  #uncommitted = 0;

  private constructor(database: DatabaseSync) {
    this.#database = database;
    this.#end = this.#getValue("end") as ChainEnd | undefined;
    this.#report = this.#getValue("report") as ChainReport | undefined;
    this.#blocks = new Frontier(this.#getValue("blocks") as FrontierJson | undefined);
    this.#transactions = new Frontier(this.#getValue("transactions") as FrontierJson | undefined);
    database.exec("BEGIN IMMEDIATE");
  }

  /** @param file path of the state; without it a temporary one @throws CommandFailure */
  static open(file?: string): ChainState {
    try {
      return new ChainState(databaseIn(file));
    } catch (error) {
      if (error instanceof CommandFailure || file === undefined) throw error;
      throw new CommandFailure(
        `${file} can't be used as the state of a verification: it is in use, damaged, or another file. Without it, verification starts from genesis`,
        EXIT.failure,
      );
    }
  }

  get end(): ChainEnd | undefined {
    return this.#end;
  }

  /** The report of all verified blocks, also those of earlier runs. */
  get report(): ChainReport | undefined {
    return this.#report;
  }

  hasTransaction(id: string): boolean {
    return this.#prepared("SELECT 1 FROM seen WHERE id = ?").get(id) !== undefined;
  }

  ledger({ assetIds, userIds }: LedgerKeys): LedgerEntries {
    const asset = this.#prepared("SELECT owner FROM asset WHERE id = ?");
    const user = this.#prepared("SELECT encryption_key_id FROM user WHERE id = ?");
    return {
      assets: assetIds.flatMap((assetId) => {
        const row = asset.get(assetId);
        return row === undefined ? [] : [{ assetId, owner: row.owner === null ? null : String(row.owner) }];
      }),
      users: userIds.flatMap((userId) => {
        const row = user.get(userId);
        return row === undefined ? [] : [{ userId, encryptionKeyId: String(row.encryption_key_id) }];
      }),
    };
  }

  add({ end, transactionIds, ledger }: Parameters<ChainMemory["add"]>[0]): void {
    this.#releaseBlock();
    this.#database.exec("SAVEPOINT block");
    this.#isBlockOpen = true;
    for (const id of transactionIds) this.#prepared("INSERT INTO seen VALUES (?)").run(id);
    const asset = this.#prepared("INSERT OR REPLACE INTO asset VALUES (?, ?)");
    for (const { assetId, owner } of ledger.assets) asset.run(assetId, owner);
    const user = this.#prepared("INSERT OR REPLACE INTO user VALUES (?, ?)");
    for (const { userId, encryptionKeyId } of ledger.users) user.run(userId, encryptionKeyId);
    this.#end = end;
  }

  /** Stores a verified block's bytes until an export is complete. */
  keep(number: number, bytes: Uint8Array): void {
    this.#prepared("INSERT OR REPLACE INTO kept VALUES (?, ?)").run(number, bytes);
  }

  kept(number: number): Uint8Array<ArrayBuffer> | undefined {
    const row = this.#prepared("SELECT bytes FROM kept WHERE number = ?").get(number);
    return row === undefined ? undefined : Uint8Array.from(row.bytes as Uint8Array);
  }

  forgetKept(): void {
    this.#database.exec("DELETE FROM kept");
  }

  /** Decides whether exactly these bytes were verified as that block. */
  isVerified(number: number, bytes: Uint8Array): boolean {
    const row = this.#prepared("SELECT digest FROM verified WHERE number = ?").get(number);
    return row !== undefined && equalBytes(row.digest as Uint8Array, sha256(bytes));
  }

  /** The two logs over the verified blocks: their hashes, and their transactions. */
  get logs(): { readonly blocks: Frontier; readonly transactions: Frontier } {
    return { blocks: this.#blocks, transactions: this.#transactions };
  }

  /** The checkpoints that `vdc monitor` remembers: JSON that is not checked here. */
  get logMemory(): unknown {
    return this.#getValue("log");
  }

  /** Stores it together with all verified blocks: when this returns, a crash loses nothing of it. */
  rememberLog(memory: object): void {
    this.#prepared("INSERT OR REPLACE INTO fact VALUES ('log', ?)").run(JSON.stringify(memory));
    this.#releaseBlock();
    this.#commit();
  }

  /**
   * Makes the last added block count.
   * @param bytes the block's bytes
   * @param block its hash, and the canonical bytes of its transactions
   */
  save(report: ChainReport, bytes: Uint8Array, block: LoggedBlock): void {
    this.#report = report;
    this.#blocks.add(block.hash);
    for (const transaction of block.transactions) this.#transactions.add(transaction);
    this.#prepared("INSERT INTO verified VALUES (?, ?)").run(report.latest.blockNumber, sha256(bytes));
    const write = this.#prepared("INSERT OR REPLACE INTO fact VALUES (?, ?)");
    write.run("end", JSON.stringify(this.#end));
    write.run("report", JSON.stringify(report));
    write.run("blocks", JSON.stringify(this.#blocks));
    write.run("transactions", JSON.stringify(this.#transactions));
    this.#releaseBlock();
    if (++this.#uncommitted >= COMMIT_EVERY) this.#commit();
  }

  close(): void {
    if (this.#isBlockOpen) this.#database.exec("ROLLBACK TO block; RELEASE block"); // the last added block did not verify
    this.#database.exec("COMMIT");
    this.#database.close();
  }

  #commit(): void {
    this.#database.exec("COMMIT; BEGIN IMMEDIATE");
    this.#uncommitted = 0;
  }

  #releaseBlock(): void {
    if (this.#isBlockOpen) this.#database.exec("RELEASE block");
    this.#isBlockOpen = false;
  }

  #getValue(name: string): unknown {
    const row = this.#prepared("SELECT value FROM fact WHERE name = ?").get(name);
    return row === undefined ? undefined : JSON.parse(String(row.value));
  }

  #prepared(sql: string): StatementSync {
    const known = this.#statements.get(sql) ?? this.#database.prepare(sql);
    this.#statements.set(sql, known);
    return known;
  }
}

function databaseIn(file: string | undefined): DatabaseSync {
  const isNew = file === undefined || !existsSync(file) || statSync(file).size === 0;
  const database = new DatabaseSync(file ?? "");
  try {
    if (isNew) database.exec(SCHEMA);
    const { application_id: id } = database.prepare("PRAGMA application_id").get() ?? {};
    if (id !== APPLICATION_ID) throw new Error("another database");
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}
