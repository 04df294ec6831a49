/**
 * Every key that VDC writes, in one place (DESIGN §5). A contract test finds key-like literals elsewhere.
 * KV: read path. R2: archive and working state.
 */
export const kvKeys = {
  latest: "vdc:latest",
  pendingCount: "vdc:pending:count",
  block: (blockNumber: number) => `vdc:block:${blockNumber}`,
  transaction: (txId: string) => `vdc:tx:${txId}`,
  asset: (assetId: string) => `asset:${assetId}`,
} as const;

export const r2Keys = {
  pendingPrefix: "pending/",
  pending: (txId: string) => `pending/${txId}.json`,
  block: (blockNumber: number) => `blocks/${blockNumber}.json`,
  sealedPrefix: (blockNumber: number) => `sealed/${blockNumber}/`,
  /** The signed bytes before they are persisted, named by their own SHA-256: two attempts can't overwrite each other. */
  sealed: (blockNumber: number, sha256: string) => `sealed/${blockNumber}/${sha256}.json`,
  private: (blockNumber: number) => `private/${blockNumber}.json`,
  deadLetterPrefix: "dead-letters/",
  deadLetter: (stage: string, id: string) => `dead-letters/${stage}/${id}.json`,
} as const;

const PENDING_KEY = /^pending\/(vdc_tx_[0-9a-f]{40})\.json$/;

/** The transaction's id in a key of `pending/`, or `undefined` for a foreign object. */
export function txIdOfPendingKey(key: string): string | undefined {
  return PENDING_KEY.exec(key)?.[1];
}
