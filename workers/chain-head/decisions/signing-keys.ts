import type { SealedBlock } from "../../../shared/chain/reservation.ts";
import {
  REVOCATION_FAULT_TEXTS,
  revocationFault,
  type ChainKey,
  type RevocationFault,
} from "../../../shared/chain/signing-keys.ts";
import type { KeyRevocation } from "../../../shared/chain/transaction.ts";
import { lastSealedBlock } from "../reads/blocks.ts";
import { getValue, setValue } from "../storage/key-values.ts";
import type { Sql } from "../storage/schema.ts";

export interface KnownKey extends ChainKey {
  /** The first and last block that the key signed; null before the first. */
  readonly firstBlock: number | null;
  readonly lastBlock: number | null;
}

/** The signing keys of the sealed chain, the oldest first. */
export function signingKeys(sql: Sql): readonly KnownKey[] {
  const keys = sql
    .exec<{
      key_id: string;
      public_key: string;
      announced_in: number;
      first_block: number | null;
      last_block: number | null;
    }>("SELECT * FROM signing_key ORDER BY announced_in")
    .toArray();
  const revocations = sql
    .exec<RevocationRow & { block: number }>(
      "SELECT * FROM key_revocation WHERE block IS NOT NULL ORDER BY from_block DESC",
    )
    .toArray();
  return keys.map((key, i) => {
    const widest = revocations.findLast(({ key_id }) => key_id === key.key_id);
    return {
      keyId: key.key_id,
      publicKey: key.public_key,
      announcedIn: key.announced_in,
      retiredIn: keys[i + 1]?.announced_in ?? null,
      revocation:
        widest === undefined
          ? null
          : { fromBlock: widest.from_block, reason: widest.reason, blockNumber: widest.block },
      firstBlock: key.first_block,
      lastBlock: key.last_block,
    };
  });
}

type RevocationRow = {
  key_id: string;
  from_block: number;
  reason: string;
  requested_at: number;
  block: number | null;
};

/**
 * Notes what a sealed or restored block announces and revokes, and which key signed it.
 * @throws Error when a verifier would refuse the block: it must not become part of the chain
 */
export function noteKeys(
  sql: Sql,
  blockNumber: number,
  { announces, revokes, keyId }: Pick<SealedBlock, "announces" | "revokes" | "keyId">,
): void {
  const known = signingKeys(sql);
  const present = known.at(-1);
  if (present !== undefined && present.keyId !== keyId)
    throw new Error(
      `block ${blockNumber} is signed by ${keyId}, and the chain's signing key is ${present.keyId}`,
    );
  for (const key of announces)
    sql.exec(
      "INSERT INTO signing_key (key_id, public_key, announced_in) VALUES (?, ?, ?)",
      key.keyId,
      key.publicKey,
      blockNumber,
    );
  for (const { keyId: revoked, fromBlock, reason } of revokes) {
    const fault = revocationFault(
      known.find((key) => key.keyId === revoked),
      { fromBlock },
      blockNumber,
    );
    if (fault !== undefined) throw new Error(`block ${blockNumber} ${REVOCATION_FAULT_TEXTS[fault]}`);
    sql.exec(
      `INSERT INTO key_revocation (key_id, from_block, reason, requested_at, block) VALUES (?, ?, ?, 0, ?)
       ON CONFLICT (key_id, from_block) DO UPDATE SET reason = excluded.reason, block = excluded.block`,
      revoked,
      fromBlock,
      reason,
      blockNumber,
    );
  }
  sql.exec(
    "UPDATE signing_key SET first_block = coalesce(first_block, ?), last_block = ? WHERE key_id = ?",
    blockNumber,
    blockNumber,
    keyId,
  );
}

export type RevocationAnswer =
  /** `blockNumber`: the block that states the revocation; null until it is sealed. */
  | { readonly blockNumber: number | null; readonly reason: string }
  | { readonly refused: RevocationFault | "restoring" | "another_waits" };

/** Makes the next block state that a key is not to be trusted. A repeat answers which block states it. */
export function requestRevocation(sql: Sql, request: KeyRevocation, now: number): RevocationAnswer {
  const { keyId, fromBlock, reason } = request;
  if (getValue(sql, "restoring")) return { refused: "restoring" };
  const ofKey = sql.exec<RevocationRow>("SELECT * FROM key_revocation WHERE key_id = ?", keyId).toArray();
  const known = ofKey.find(({ from_block }) => from_block === fromBlock);
  if (known !== undefined) return { blockNumber: known.block, reason: known.reason };
  if (ofKey.some(({ block }) => block === null)) return { refused: "another_waits" };
  const key = signingKeys(sql).find((one) => one.keyId === keyId);
  const fault = revocationFault(key, request, lastSealedBlock(sql) + 1);
  if (fault !== undefined) return { refused: fault };
  sql.exec(
    "INSERT INTO key_revocation (key_id, from_block, reason, requested_at) VALUES (?, ?, ?, ?)",
    keyId,
    fromBlock,
    reason,
    now,
  );
  setValue(sql, "mineNudgeAt", now);
  return { blockNumber: null, reason };
}

/** Returns the revocation that the next block must state: the one that was requested first. */
export function nextRevocation(
  sql: Sql,
): { readonly revocation: KeyRevocation; readonly requestedAt: number } | null {
  const [row] = sql
    .exec<RevocationRow>(
      "SELECT * FROM key_revocation WHERE block IS NULL ORDER BY requested_at, key_id LIMIT 1",
    )
    .toArray();
  if (row === undefined) return null;
  const { key_id: keyId, from_block: fromBlock, reason, requested_at: requestedAt } = row;
  return { revocation: { keyId, fromBlock, reason }, requestedAt };
}
