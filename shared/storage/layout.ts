const BLOCK_DIGITS = 16; // of 2^53
const INDEX_DIGITS = 6; // a block has 2,000 pending transactions at most

/**
 * Every key that VDC writes, in one place: docs/format.md#10-storage. A contract test finds key-like literals elsewhere.
 * KV: read path. R2: archive and working state.
 */
export const kvKeys = {
  latest: "vdc:latest",
  /** How far the index is complete: `shared/api/indexed-through.ts`. */
  indexed: "vdc:indexed",
  pendingCount: "vdc:pending:count",
  blockPrefix: "vdc:block:",
  block: (blockNumber: number) => `vdc:block:${blockNumber}`,
  transaction: (txId: string) => `vdc:tx:${txId}`,
  /**
   * Keys of the transactions that commit to documents whose SHA-256 begins with `digits`. KV lists them in the order of hash,
   * block and place.
   */
  documentEntryPrefix: (digits: string) => `vdc:doc:${digits}`,
  /**
   * A transaction that commits to a document. Each has a key of its own, because KV has no compare-and-swap to append to a list
   * with, and because a stranger may commit to one document a thousand times.
   */
  documentEntry: (sha256: string, blockNumber: number, index: number) =>
    `vdc:doc:${sha256}:${String(blockNumber).padStart(BLOCK_DIGITS, "0")}:${String(index).padStart(INDEX_DIGITS, "0")}`,
  asset: (assetId: string) => `asset:${assetId}`,
  userPrefix: "user:",
  user: (userId: string) => `user:${userId}`,
} as const;

export const r2Keys = {
  pendingPrefix: "pending/",
  pending: (txId: string) => `pending/${txId}.json`,
  setAsidePrefix: "set-aside/",
  /** A transaction that could not be mined: moved here from `pending/`, which a cron reads every minute. */
  setAside: (txId: string) => `set-aside/${txId}.json`,
  blockPrefix: "blocks/",
  block: (blockNumber: number) => `blocks/${blockNumber}.json`,
  allSealedPrefix: "sealed/",
  sealedPrefix: (blockNumber: number) => `sealed/${blockNumber}/`,
  /**
   * The signed bytes before they are persisted. The name holds their SHA-256, so two attempts cannot overwrite each
   * other.
   */
  sealed: (blockNumber: number, sha256: string) => `sealed/${blockNumber}/${sha256}.json`,
  /** A wrong copy of a block, as it was when it was replaced. */
  evidence: (blockNumber: number, tier: string, sha256: string) =>
    `evidence/${blockNumber}/${tier}-${sha256}`,
  privatePrefix: "private/",
  private: (blockNumber: number) => `private/${blockNumber}.json`,
  erasedPrefix: "erased/",
  /** A transaction that was erased before a block took it. The object outlives the chain head's storage. */
  erased: (txId: string) => `erased/${txId}.json`,
  intentPrefix: "intents/",
  /** A signed submission that waits for its payment. */
  intent: (txId: string) => `intents/${txId}.json`,
  documentPrefix: "documents/",
  document: (documentId: string) => `documents/${documentId}.json`,
  /** A wrong copy of a document, as it was when it was replaced. */
  documentEvidence: (documentId: string, sha256: string) => `evidence/documents/${documentId}/r2-${sha256}`,
  activationPrefix: "activation/",
  /** The token itself is stored nowhere: only its holder can compute this key. */
  activation: (tokenHash: string) => `activation/${tokenHash}.json`,
  /** Objects of the log of blocks. Their keys are the paths under which anyone reads them. */
  logPrefix: "log/",
  /** Likewise, of the log of transactions. */
  transactionLogPrefix: "log/tx/",
  /** The checkpoint as it was first published: the log's own signatures, without cosignatures. */
  logCheckpoint: (prefix: string, size: number) => `${prefix}checkpoints/${size}`,
  /** A time stamp of the log of blocks at this size, as its authority sent it (RFC 3161). */
  timestamp: (authority: string, size: number) => `log/timestamps/${authority}/${size}.tsr`,
  /** A wrong object of a log, as it was when it was replaced. */
  logEvidence: (key: string, sha256: string) => `evidence/${key}-${sha256}`,
  deadLetterPrefix: "dead-letters/",
  deadLetter: (stage: string, id: string) => `dead-letters/${stage}/${id}.json`,
} as const;

const KV_BLOCK_KEY = /^vdc:block:(0|[1-9]\d{0,15})$/;
const R2_BLOCK_KEY = /^blocks\/(0|[1-9]\d{0,15})\.json$/;
const SEALED_KEY = /^sealed\/(0|[1-9]\d{0,15})\/[0-9a-f]{64}\.json$/;

/** The number in a block's key, or `undefined` for a foreign one. */
export function blockNumberOfKvKey(key: string): number | undefined {
  return numberIn(KV_BLOCK_KEY, key);
}

export function blockNumberOfR2Key(key: string): number | undefined {
  return numberIn(R2_BLOCK_KEY, key);
}

/** The number in the key of staged bytes, or `undefined` for a foreign one. */
export function blockNumberOfSealedKey(key: string): number | undefined {
  return numberIn(SEALED_KEY, key);
}

function numberIn(pattern: RegExp, key: string): number | undefined {
  const digits = pattern.exec(key)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

const DOCUMENT_ENTRY_KEY = /^vdc:doc:([0-9a-f]{64}):(\d{16}):(\d{6})$/;

/** The document and the place in a key of an entry, or `undefined` for a foreign key. */
export function documentEntryOfKey(
  key: string,
): { readonly sha256: string; readonly blockNumber: number; readonly index: number } | undefined {
  const [, sha256, blockNumber, index] = DOCUMENT_ENTRY_KEY.exec(key) ?? [];
  if (sha256 === undefined || !Number.isSafeInteger(Number(blockNumber))) return undefined;
  return { sha256, blockNumber: Number(blockNumber), index: Number(index) };
}

const PENDING_KEY = /^pending\/(vdc_tx_[0-9a-f]{40})\.json$/;

/** The transaction's id in a key of `pending/`, or `undefined` for a foreign object. */
export function txIdOfPendingKey(key: string): string | undefined {
  return PENDING_KEY.exec(key)?.[1];
}

const ERASED_KEY = /^erased\/(vdc_tx_[0-9a-f]{40})\.json$/;

/** The transaction's id in a key of `erased/`, or `undefined` for a foreign object. */
export function txIdOfErasedKey(key: string): string | undefined {
  return ERASED_KEY.exec(key)?.[1];
}

const SET_ASIDE_KEY = /^set-aside\/(vdc_tx_[0-9a-f]{40})\.json$/;

/** The transaction's id in a key of `set-aside/`, or `undefined` for a foreign object. */
export function txIdOfSetAsideKey(key: string): string | undefined {
  return SET_ASIDE_KEY.exec(key)?.[1];
}

const DOCUMENT_KEY = /^documents\/([0-9a-f]{64})\.json$/;

/** The document's id in a key of `documents/`, or `undefined` for a foreign object. */
export function documentIdOfDocumentKey(key: string): string | undefined {
  return DOCUMENT_KEY.exec(key)?.[1];
}

const INTENT_KEY = /^intents\/(vdc_tx_[0-9a-f]{40})\.json$/;

/** The submission's id in a key of `intents/`, or `undefined` for a foreign object. */
export function txIdOfIntentKey(key: string): string | undefined {
  return INTENT_KEY.exec(key)?.[1];
}
