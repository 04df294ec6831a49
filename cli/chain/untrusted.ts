import type { UntrustedBlocks } from "../../shared/chain/signing-keys.ts";
import { CommandFailure, EXIT } from "../output/failure.ts";

/** Fails the command when a revoked key signed blocks of a valid chain. */
export function requireTrusted(untrusted: readonly UntrustedBlocks[]): void {
  if (untrusted.length === 0) return;
  throw new CommandFailure(
    `the chain is whole, but a revoked key signed ${untrusted.map(blocksText).join(" and ")}: compare their hashes with those that you noted before (docs/operations.md, "A signing key was stolen")`,
    EXIT.untrusted,
  );
}

/** Names the blocks that are not to be trusted, and the reason. */
export function untrustedText(blocks: UntrustedBlocks): string {
  const { keyId, revocation } = blocks;
  const { blockNumber, fromBlock, reason } = revocation;
  return `${blocksText(blocks)}, signed by key ${keyId}, which block ${blockNumber} revokes from block ${fromBlock} on: ${reason}`;
}

export function blocksText({ first, last }: Pick<UntrustedBlocks, "first" | "last">): string {
  return first === last ? `block ${first}` : `blocks ${first} to ${last}`;
}
