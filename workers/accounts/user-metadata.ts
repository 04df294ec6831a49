import { DurableObject } from "cloudflare:workers";
import * as v from "valibot";
import { utf8 } from "../../shared/crypto/bytes.ts";
import { canonicalText } from "../../shared/crypto/canonical.ts";
import { sha256Hex } from "../../shared/crypto/hash.ts";
import { outcomeOf, type Outcome } from "../../shared/http/outcome.ts";
import { Problem } from "../../shared/http/problems.ts";
import { errorText, logger } from "../../shared/log.ts";
import { kvKeys } from "../../shared/storage/layout.ts";
import { KEY_WRITE_INTERVAL } from "../../shared/storage/limits.ts";
import { putSealedRecord } from "../../shared/storage/sealed-object.ts";
import { migrateTo } from "../../shared/sqlite.ts";
import { UserMetadataRecord } from "../../shared/user-metadata.ts";
import type { Env } from "./env.ts";
import { mayFollow, type Standing } from "./metadata-version.ts";
import { NewestWrite } from "./newest-write.ts";

export interface StoredVersion {
  readonly userId: string;
  readonly version: number;
}

const MIGRATIONS = [
  [
    "CREATE TABLE standing (only INTEGER PRIMARY KEY CHECK (only = 1), version INTEGER NOT NULL, sha256 TEXT NOT NULL)",
  ],
];

/**
 * Which version of a user's metadata is the present one: one object per user, named by the user's id. KV shows the record,
 * and is eventually consistent; so what decides is here, and every write of the key comes from here.
 */
export class UserMetadata extends DurableObject<Env> {
  readonly #log = logger("accounts", { userId: this.ctx.id.name });
  readonly #write = new NewestWrite<{ version: number; record: UserMetadataRecord; sealedTo: string }>({
    write: ({ record, sealedTo }) =>
      putSealedRecord(this.env.KV, { kind: "user_metadata", id: record.userId, record, sealedTo }),
    interval: KEY_WRITE_INTERVAL,
    now: Date.now,
    wait: (milliseconds) => scheduler.wait(milliseconds),
  });

  constructor(context: DurableObjectState, env: Env) {
    super(context, env);
    void context.blockConcurrencyWhile(async () =>
      context.storage.transactionSync(() => migrateTo(this.#sql, MIGRATIONS, "the user metadata's")),
    );
  }

  get #sql() {
    return this.ctx.storage.sql;
  }

  /**
   * Makes a record the present one, and answers once KV has it or a newer one. The same record may be kept again.
   * @param sealedTo key id of the user's registered encryption key
   */
  keep(record: UserMetadataRecord, sealedTo: string): Promise<Outcome<StoredVersion>> {
    return outcomeOf(async () => {
      const { userId, version } = record;
      const floor = this.#standing() ?? (await this.#published(userId));
      const offered = { version, sha256: sha256Hex(utf8(canonicalText(record))) };
      const present = this.ctx.storage.transactionSync(() => this.#decide(offered, floor));
      if (present !== undefined)
        throw new Problem("stale-version", `Version ${present.version} is there: yours must be higher.`, {
          members: { version: present.version },
        });
      await this.#write.newest({ version, record, sealedTo }).catch((error: unknown) => {
        this.#log.error("user_metadata.kv_failed", { version, error: errorText(error) });
        throw unavailable("KV did not take the metadata. Send the very same again.");
      });
      return { userId, version };
    });
  }

  /** @returns what stands against the offer; undefined: it is the present version now */
  #decide(offered: Standing, floor: Standing | undefined): Standing | undefined {
    const present = this.#standing() ?? floor;
    if (!mayFollow(present, offered)) return present;
    this.#sql.exec(
      "INSERT OR REPLACE INTO standing (only, version, sha256) VALUES (1, ?, ?)",
      offered.version,
      offered.sha256,
    );
    return undefined;
  }

  #standing(): Standing | undefined {
    return this.#sql
      .exec<Standing & Record<string, SqlStorageValue>>("SELECT version, sha256 FROM standing")
      .toArray()[0];
  }

  /** What KV shows: the least that is known when this object has never kept a version, or has lost its storage. */
  async #published(userId: string): Promise<Standing | undefined> {
    const text = await this.env.KV.get(kvKeys.user(userId)).catch((error: unknown) => {
      this.#log.error("user_metadata.kv_failed", { error: errorText(error) });
      throw unavailable("KV could not be read. Send the very same again.");
    });
    if (text === null) return undefined;
    const { version } = v.parse(UserMetadataRecord, JSON.parse(text));
    return { version, sha256: sha256Hex(utf8(text)) };
  }
}

function unavailable(detail: string): Problem {
  return new Problem("unavailable", detail, { headers: { "retry-after": "2" } });
}
