import { beforeAll, describe, expect, it } from "vitest";
import { canonicalText } from "../../../../shared/crypto/canonical.ts";
import type { Fields, Log } from "../../../../shared/runtime/log.ts";
import { sealMetadata } from "../../../../shared/client/user-metadata.ts";
import type { UserKeys } from "../../../../shared/client/user-keys.ts";
import type { UserMetadataRecord } from "../../../../shared/chain/user-metadata.ts";
import { keepMetadata, migrate, type Keeping } from "../../../../workers/accounts/metadata/keep-metadata.ts";
import { CHAIN_ID, newUser } from "../../../support/users/accounts.ts";
import { memorySql } from "../../../support/stack/sqlite.ts";

let user: UserKeys;
const records = new Map<number, UserMetadataRecord>();
beforeAll(async () => {
  user = await newUser();
  for (const version of [1, 2, 3]) records.set(version, await sealed(version));
});

function sealed(version: number): Promise<UserMetadataRecord> {
  return sealMetadata(CHAIN_ID, user, version, { name: `of version ${version}` });
}

function record(version: number): UserMetadataRecord {
  const found = records.get(version);
  if (found === undefined) throw new Error(`no record ${version}`);
  return found;
}

/** The Durable Object of a user, with a KV that shows its last write. */
class Home {
  shown: string | null = null;
  failure: Error | undefined;
  readonly logged: [event: string, fields: Fields | undefined][] = [];
  #sql = this.#empty();

  #empty() {
    const sql = memorySql();
    sql.transaction(() => migrate(sql));
    return sql;
  }

  loseStorage(): void {
    this.#sql = this.#empty();
  }

  keep(record: UserMetadataRecord) {
    const note = (event: string, fields?: Fields) => void this.logged.push([event, fields]);
    const log: Log = { info: note, warn: note, error: note, with: () => log };
    const keeping: Keeping = {
      sql: this.#sql,
      decide: (decision) => this.#sql.transaction(decision),
      published: async () => this.#orFail(this.shown),
      publish: async (published) => {
        this.shown = this.#orFail(canonicalText(published));
      },
      log,
    };
    return keepMetadata(record, user.encryptionKey.keyId, keeping);
  }

  #orFail<T>(value: T): T {
    if (this.failure !== undefined) throw this.failure;
    return value;
  }

  get version(): number | null {
    return this.shown === null ? null : (JSON.parse(this.shown) as UserMetadataRecord).version;
  }
}

const stale = (version: number) => ({ slug: "stale-version", members: { version } });

describe("a user's metadata", () => {
  it("only goes forward, by any step", async () => {
    const home = new Home();
    expect(await home.keep(record(1))).toEqual({ userId: user.userId, version: 1 });
    expect(await home.keep(record(3))).toEqual({ userId: user.userId, version: 3 });
    for (const version of [1, 2]) await expect(home.keep(record(version))).rejects.toMatchObject(stale(3));
    expect(home.version).toBe(3);
  });

  it("is the same when the same comes again, and not replaced by other metadata of its version", async () => {
    const home = new Home();
    await home.keep(record(2));
    home.shown = null; // a crash between the decision and KV
    expect(await home.keep(record(2))).toEqual({ userId: user.userId, version: 2 });
    expect(home.version).toBe(2);
    await expect(home.keep(await sealed(2))).rejects.toMatchObject(stale(2));
    expect(home.shown).toBe(canonicalText(record(2)));
  });

  it("does not go back when the object has lost its storage: KV says how far it was", async () => {
    const home = new Home();
    await home.keep(record(2));
    home.loseStorage();
    await expect(home.keep(record(1))).rejects.toMatchObject(stale(2));
    await expect(home.keep(await sealed(2))).rejects.toMatchObject(stale(2));
    expect(await home.keep(record(2))).toEqual({ userId: user.userId, version: 2 });
    expect(await home.keep(record(3))).toEqual({ userId: user.userId, version: 3 });
  });

  it("is decided although KV refuses it, so that the same again publishes it and an older one does not", async () => {
    const home = new Home();
    await home.keep(record(1));
    home.failure = new Error("KV PUT failed: 429 Too Many Requests");
    await expect(home.keep(record(3))).rejects.toMatchObject({
      slug: "unavailable",
      headers: { "retry-after": "2" },
    });
    expect(home.version).toBe(1);
    home.failure = undefined;
    await expect(home.keep(record(2))).rejects.toMatchObject(stale(3));
    await home.keep(record(3));
    expect(home.version).toBe(3);
    expect(home.logged.map(([event]) => event)).toEqual(["user_metadata.kv_failed"]);
  });

  it("is not decided about while nobody can say what is there", async () => {
    const home = new Home();
    home.failure = new Error("KV GET failed: 500");
    await expect(home.keep(record(3))).rejects.toMatchObject({ slug: "unavailable" });
    home.failure = undefined;
    home.shown = "not a record";
    await expect(home.keep(record(3))).rejects.toMatchObject({ slug: "unavailable" });
    home.shown = canonicalText(record(2));
    await expect(home.keep(record(1))).rejects.toMatchObject(stale(2));
  });
});
