import { InvalidBlock, type Block, type SigningKeyLookup } from "./block.ts";
import type { KeyRevocation, SigningKey, Transaction } from "./transaction.ts";

/** A block's statement that a signing key is not to be trusted. */
export interface Revocation extends Omit<KeyRevocation, "keyId"> {
  /** Number of the block with the statement. */
  readonly blockNumber: number;
}

/**
 * A signing key of the chain. At any block one key signs. It signs from genesis, or from the block after the one that
 * announces it, up to the block that announces the next key.
 */
export interface ChainKey {
  readonly keyId: string;
  readonly publicKey: string;
  readonly announcedIn: number;
  /**
   * Number of the block that announces the next key, which is the last block that this key may sign; null for the present
   * key.
   */
  readonly retiredIn: number | null;
  readonly revocation: Revocation | null;
}

/**
 * The key that genesis announces. Genesis vouches for itself, so compare its hash with one known from elsewhere.
 * @throws InvalidBlock "wrong_place" when the block is not a genesis
 */
export function keysOfGenesis(block: Block): readonly ChainKey[] {
  const [first] = block.transactions;
  if (first?.type !== "genesis" || block.transactions.length !== 1 || first.data.chainId !== block.chainId)
    throw new InvalidBlock("wrong_place", "block 0 must hold its genesis transaction and nothing else");
  return first.data.signingKeys.map((key) => announced(key, 0));
}

/** Keys that the block announces. The key of genesis signs at once, any other key from the next block on. */
export function announcedIn({ transactions }: Block): readonly SigningKey[] {
  return transactions.flatMap(({ type, data }) => {
    if (type === "genesis") return data.signingKeys;
    return type === "key_rotation" ? [data] : [];
  });
}

export function revokedIn({ transactions }: Block): readonly KeyRevocation[] {
  return transactions.flatMap(({ type, data }) => (type === "key_revocation" ? [data] : []));
}

/**
 * The keys of the chain after its next block, which is already verified together with all earlier blocks.
 * @throws InvalidBlock "broken_rule". docs/format.md, section 5.5
 */
export function keysAfter(keys: readonly ChainKey[], block: Block): readonly ChainKey[] {
  if (block.blockNumber === 0) return keysOfGenesis(block);
  return block.transactions.reduce((known, transaction) => {
    if (transaction.type === "key_rotation") return afterRotation(known, transaction, block);
    return transaction.type === "key_revocation" ? afterRevocation(known, transaction, block) : known;
  }, keys);
}

type OfType<Type extends Transaction["type"]> = Extract<Transaction, { readonly type: Type }>;

function afterRotation(
  keys: readonly ChainKey[],
  { id, data }: OfType<"key_rotation">,
  { blockNumber }: Block,
): readonly ChainKey[] {
  if (keys.some(({ keyId }) => keyId === data.keyId))
    throw new InvalidBlock("broken_rule", `${id} announces a signing key that was announced before`);
  const retired = keys.map((key) => ({ ...key, retiredIn: key.retiredIn ?? blockNumber }));
  return [...retired, announced(data, blockNumber)];
}

function afterRevocation(
  keys: readonly ChainKey[],
  { id, data }: OfType<"key_revocation">,
  { blockNumber }: Block,
): readonly ChainKey[] {
  const { keyId, ...revocation } = data;
  const fault = revocationFault(
    keys.find((key) => key.keyId === keyId),
    data,
    blockNumber,
  );
  if (fault !== undefined) throw new InvalidBlock("broken_rule", `${id} ${REVOCATION_FAULT_TEXTS[fault]}`);
  return keys.map((key) =>
    key.keyId === keyId ? { ...key, revocation: { ...revocation, blockNumber } } : key,
  );
}

export const REVOCATION_FAULT_TEXTS = {
  unknown_key: "revokes a key that the chain has not announced",
  present_key: "revokes a key that no block before it has retired",
  future: "revokes a key from a block on that comes after it",
  not_earlier: "revokes a key that is revoked from this block, or an earlier one, on already",
} as const;
export type RevocationFault = keyof typeof REVOCATION_FAULT_TEXTS;

/**
 * Decides whether a block may revoke a key, by the key's state before that block. A later revocation only widens an
 * earlier one.
 */
export function revocationFault(
  key: Pick<ChainKey, "retiredIn" | "revocation"> | undefined,
  { fromBlock }: Pick<KeyRevocation, "fromBlock">,
  blockNumber: number,
): RevocationFault | undefined {
  if (key === undefined) return "unknown_key";
  if (key.retiredIn === null || key.retiredIn >= blockNumber) return "present_key";
  if (fromBlock > blockNumber) return "future";
  return key.revocation !== null && key.revocation.fromBlock <= fromBlock ? "not_earlier" : undefined;
}

/** The lookup for `verifyBlock`: returns each key only for blocks that it may sign. */
export function lookupIn(
  keys: readonly Pick<ChainKey, "keyId" | "publicKey" | "announcedIn" | "retiredIn">[],
): SigningKeyLookup {
  return (keyId, blockNumber) => {
    const key = keys.find((known) => known.keyId === keyId);
    if (key === undefined || blockNumber < signsFrom(key)) return undefined;
    if (key.retiredIn !== null && blockNumber > key.retiredIn)
      throw new InvalidBlock("retired_key", `signed by ${keyId}, which block ${key.retiredIn} retired`);
    return key.publicKey;
  };
}

/** Consecutive blocks that a revoked key signed in the time for which it is not trusted. */
export interface UntrustedBlocks {
  readonly keyId: string;
  readonly first: number;
  readonly last: number;
  readonly revocation: Revocation;
}

/** At most one entry for each revoked key, the oldest first, however many blocks are untrusted. */
export function untrustedBlocks(keys: readonly ChainKey[]): readonly UntrustedBlocks[] {
  return keys.flatMap((key) => {
    const { keyId, retiredIn, revocation } = key;
    if (revocation === null || retiredIn === null) return [];
    const first = Math.max(revocation.fromBlock, signsFrom(key));
    return first > retiredIn ? [] : [{ keyId, first, last: retiredIn, revocation }];
  });
}

/** The revocation that makes this block untrusted; `undefined` for a trusted one. */
export function untrustedFor(
  blockNumber: number,
  untrusted: readonly UntrustedBlocks[],
): UntrustedBlocks | undefined {
  return untrusted.find(({ first, last }) => first <= blockNumber && blockNumber <= last);
}

function signsFrom({ announcedIn }: Pick<ChainKey, "announcedIn">): number {
  return announcedIn === 0 ? 0 : announcedIn + 1;
}

function announced({ keyId, publicKey }: SigningKey, blockNumber: number): ChainKey {
  return { keyId, publicKey, announcedIn: blockNumber, retiredIn: null, revocation: null };
}
