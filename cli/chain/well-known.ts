import type { ChainKey } from "../../shared/chain/signing-keys.ts";

/** `GET /.well-known/vdc.json` */
export interface WellKnown {
  readonly chainId: string;
  /** Null before the first block. */
  readonly latestBlock: number | null;
  /** The signing keys, the oldest first. */
  readonly signingKeys: readonly ChainKey[];
}
