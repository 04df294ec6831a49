import { DurableObject } from "cloudflare:workers";
import { rpcResult, type RpcResult } from "../../../shared/http/rpc-result.ts";
import { logger } from "../../../shared/runtime/log.ts";
import { KEY_WRITE_INTERVAL_MS } from "../../../shared/storage/limits.ts";
import { putSealedRecord } from "../../../shared/storage/sealed-object.ts";
import type { UserMetadataRecord } from "../../../shared/chain/user-metadata.ts";
import { writesLandWithin, type Env } from "../env.ts";
import { keepMetadata, migrate, type Keeping, type StoredVersion } from "./keep-metadata.ts";
import { writeVersion } from "./metadata-write.ts";
import { NewestWrite } from "./newest-write.ts";
import { releaseBytes, reserveBytes, type Quota } from "../documents/upload-quota.ts";

/**
 * Decides which version of a user's metadata is the present one, and counts the bytes of documents that the user has stored
 * today: one object per registered user, named by the user's id. KV shows the record but is eventually consistent, so the
 * decision and every write of the key are made here.
 */
export class UserMetadata extends DurableObject<Env> {
  readonly #kv = new NewestWrite<{ version: number; record: UserMetadataRecord; sealedTo: string }>({
    write: ({ version, record, sealedTo }) =>
      writeVersion(
        version,
        this.ctx.storage.sql,
        { now: Date.now, landsWithin: writesLandWithin(this.env) },
        () => putSealedRecord(this.env.KV, { kind: "user_metadata", id: record.userId, record, sealedTo }),
      ),
    interval: KEY_WRITE_INTERVAL_MS,
    now: Date.now,
    wait: (milliseconds) => scheduler.wait(milliseconds),
  });
  readonly #keeping: Keeping = {
    sql: this.ctx.storage.sql,
    decide: (decision) => this.ctx.storage.transactionSync(decision),
    published: (key) => this.env.KV.get(key),
    publish: (record, sealedTo) => this.#kv.newest({ version: record.version, record, sealedTo }),
    log: logger("accounts", { requestId: crypto.randomUUID(), userId: this.ctx.id.name }),
  };

  constructor(context: DurableObjectState, env: Env) {
    super(context, env);
    void context.blockConcurrencyWhile(async () => this.#keeping.decide(() => migrate(this.#keeping.sql)));
  }

  /**
   * Answers once KV has this record or a newer one. The same record may be sent again.
   * @param sealedTo key id of the user's registered encryption key
   */
  keep(record: UserMetadataRecord, sealedTo: string): Promise<RpcResult<StoredVersion>> {
    return rpcResult(() => keepMetadata(record, sealedTo, this.#keeping));
  }

  /** Counts the bytes of a document that is about to be stored. */
  reserveBytes(bytes: number, mostBytes: number): Quota {
    return this.#keeping.decide(() => reserveBytes(this.#keeping.sql, bytes, mostBytes, Date.now()));
  }

  /**
   * Gives back the bytes of a failed upload.
   * @param resetsAt as answered by `reserveBytes`
   */
  releaseBytes(bytes: number, resetsAt: number): void {
    this.#keeping.decide(() => releaseBytes(this.#keeping.sql, bytes, resetsAt));
  }
}
