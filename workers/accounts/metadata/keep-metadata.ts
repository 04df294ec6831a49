import * as v from "valibot";
import { utf8 } from "../../../shared/crypto/bytes.ts";
import { canonicalText } from "../../../shared/crypto/canonical.ts";
import { sha256Hex } from "../../../shared/crypto/hash.ts";
import { RetryLater } from "../../../shared/runtime/errors.ts";
import { Problem } from "../../../shared/http/problems.ts";
import { errorText, type Log } from "../../../shared/runtime/log.ts";
import { migrateTo, type Sql } from "../../../shared/durable-object/sqlite.ts";
import { kvKeys } from "../../../shared/storage/layout.ts";
import { UserMetadataRecord } from "../../../shared/chain/user-metadata.ts";
import { QUOTA_TABLE } from "../documents/upload-quota.ts";

/** A version of a user's metadata, with the SHA-256 of the record's canonical bytes. */
export interface PresentVersion {
  readonly version: number;
  readonly sha256: string;
}

export interface StoredVersion {
  readonly userId: string;
  readonly version: number;
}

export interface Keeping {
  readonly sql: Sql;
  /** Runs the decision in one transaction. */
  readonly decide: <T>(decision: () => T) => T;
  /** Reads the value that KV shows under the user's key. */
  readonly published: (key: string) => Promise<string | null>;
  /** Resolves once KV has this record or a newer one. */
  readonly publish: (record: UserMetadataRecord, sealedTo: string) => Promise<void>;
  readonly log: Log;
}

const MIGRATIONS = [
  [
    "CREATE TABLE standing (only INTEGER PRIMARY KEY CHECK (only = 1), version INTEGER NOT NULL, sha256 TEXT NOT NULL)",
  ],
  [
    "CREATE TABLE writing (only INTEGER PRIMARY KEY CHECK (only = 1), version INTEGER NOT NULL, lands_before INTEGER NOT NULL)",
  ],
  [QUOTA_TABLE],
];

export function migrate(sql: Sql): void {
  migrateTo(sql, MIGRATIONS, "the user metadata's");
}

/**
 * Makes a record the present one. The decision stands even if KV fails afterwards; the same record sent again is then published
 * again.
 * @param sealedTo key id of the user's registered encryption key
 * @throws Problem "stale-version" or "unavailable"
 */
export async function keepMetadata(
  record: UserMetadataRecord,
  sealedTo: string,
  keeping: Keeping,
): Promise<StoredVersion> {
  const { userId, version } = record;
  const floor = presentVersion(keeping.sql) ?? (await published(userId, keeping));
  const offered = { version, sha256: sha256Hex(utf8(canonicalText(record))) };
  const present = keeping.decide(() => decidePresent(keeping.sql, offered, floor));
  if (present.sha256 !== offered.sha256)
    throw new Problem("stale-version", `Version ${present.version} is there: yours must be higher.`, {
      members: { version: present.version },
    });
  await keeping.publish(record, sealedTo).catch((error: unknown) => {
    throw unavailable("KV did not take the metadata. Send the very same again.", error, keeping);
  });
  return { userId, version };
}

/**
 * Decides which version is present after the offer. An older version never replaces a newer one, and no other record ever
 * replaces one of the same version.
 */
function decidePresent(sql: Sql, offered: PresentVersion, floor: PresentVersion | undefined): PresentVersion {
  const present = presentVersion(sql) ?? floor;
  if (present !== undefined && offered.version <= present.version) return present;
  sql.exec(
    "INSERT OR REPLACE INTO standing (only, version, sha256) VALUES (1, ?, ?)",
    offered.version,
    offered.sha256,
  );
  return offered;
}

function presentVersion(sql: Sql): PresentVersion | undefined {
  const [row] = sql
    .exec<{ version: number; sha256: string }>("SELECT version, sha256 FROM standing")
    .toArray();
  return row;
}

/** Reads the version that KV shows. It is the lower bound for a user whose object never stored a version, or lost its storage. */
async function published(userId: string, keeping: Keeping): Promise<PresentVersion | undefined> {
  try {
    const text = await keeping.published(kvKeys.user(userId));
    if (text === null) return undefined;
    const { version } = v.parse(UserMetadataRecord, JSON.parse(text));
    return { version, sha256: sha256Hex(utf8(text)) };
  } catch (error) {
    throw unavailable("The present metadata could not be read. Send the very same again.", error, keeping);
  }
}

function unavailable(detail: string, error: unknown, { log }: Keeping): Problem {
  log.error("user_metadata.kv_failed", { error: errorText(error) });
  const seconds = error instanceof RetryLater ? error.seconds : 2;
  return new Problem("unavailable", detail, { headers: { "retry-after": String(seconds) } });
}
