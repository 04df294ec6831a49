import { InvalidBlock, verifyBlock, type Block, type SigningKeyLookup } from "../../../shared/chain/block.ts";
import type { UntrustedBlocks } from "../../../shared/chain/signing-keys.ts";
import { sha256HexOfFile } from "../../../shared/crypto/hash.ts";
import { reasonText } from "../../../shared/schema/reason-text.ts";
import type { TierFault, TierReport } from "../../../shared/api/storage-report.ts";
import { retryOnce } from "../runs/retry-once.ts";
import type { BlockCopy, Tier, TierName } from "../../../shared/storage/tier.ts";

/** A persisted block as the chain head knows it; every copy is compared with it. */
export interface KnownBlock {
  readonly blockNumber: number;
  readonly hash: string;
  readonly sha256: string;
  readonly cid: string;
  readonly previousHash: string;
  /** null for genesis. */
  readonly previousCid: string | null;
  readonly historyRoot: string;
  /** The block must have an index. A block that was just persisted has none yet. */
  readonly indexed: boolean;
  /** The block's private parts must be archived. */
  readonly complete: boolean;
  readonly transactionCount: number;
}

export interface ChainKeys {
  readonly chainId: string;
  readonly signingKey: SigningKeyLookup;
  /** Ranges of blocks that revoked keys signed. */
  readonly untrusted: readonly UntrustedBlocks[];
}

/** The result of inspecting one tier's copy of a block. */
export interface InspectedCopy {
  readonly report: TierReport;
  /** Sound bytes, even if something else about the copy is wrong. */
  readonly copy?: BlockCopy;
  /** Wrong bytes, which must be kept before they are overwritten. */
  readonly evidence?: Uint8Array<ArrayBuffer>;
}

/** Reads a tier's copy and verifies it. A tier that can't be read is unreachable, which proves nothing about its copy. */
export async function inspect(
  tier: Tier,
  known: KnownBlock,
  checkBytes: BytesChecker,
  longestWaitSeconds: number,
): Promise<InspectedCopy> {
  const holding = await retryOnce(longestWaitSeconds, () => tier.read(known)).catch((error: unknown) => ({
    error,
  }));
  if ("error" in holding) return without("unreachable", reasonText(holding.error));
  const { bytes } = holding;
  const checked = bytes === undefined ? undefined : await checkBytes(bytes);
  const copy = checked?.block && bytes && { block: checked.block, bytes, cid: known.cid };
  if (holding.state === "missing")
    return { ...without("missing", holding.detail), ...(copy !== undefined && { copy }) };
  if (holding.wrong !== undefined)
    return {
      ...without(holding.wrong, holding.detail ?? holding.wrong),
      ...(copy === undefined ? { evidence: holding.bytes } : { copy }),
    };
  if (copy === undefined)
    return { ...without(checked?.fault ?? "corrupt", checked?.detail ?? ""), evidence: holding.bytes };
  return { report: soundReport(tier.name, known), copy };
}

/** Report of a tier that holds the block as it was sealed. */
export function soundReport(name: TierName, { cid, hash }: KnownBlock): TierReport {
  return { present: true, hash: name === "ipfs" ? cid : hash };
}

function without(fault: TierFault, detail: string): InspectedCopy {
  return { report: { present: false, hash: null, fault, detail } };
}

type BytesCheck =
  | { block: Block; fault?: never; detail?: never }
  | { block?: never; fault: TierFault; detail: string };

/** Decides whether bytes are the sealed block, a fork, or corrupt. */
export type BytesChecker = (bytes: Uint8Array<ArrayBuffer>) => Promise<BytesCheck>;

/**
 * Makes the check of a block's copies: bytes are the block that the chain head sealed and verify in its place, or a fork, or
 * corrupt. Tiers that hold the same bytes (equal SHA-256) share one verification.
 */
export function bytesChecker(known: KnownBlock, { chainId, signingKey }: ChainKeys): BytesChecker {
  const { blockNumber, hash, previousHash, previousCid, historyRoot } = known;
  let sealed: Promise<BytesCheck> | undefined;
  return async (bytes) => {
    if ((await sha256HexOfFile(bytes)) === known.sha256)
      return (sealed ??= bytesCheck(async () => {
        const place = { chainId, blockNumber, hash, previousHash, previousCid, historyRoot };
        return { block: await verifyBlock(bytes, place, signingKey) };
      }));
    return bytesCheck(async () => {
      const other = await verifyBlock(bytes, { chainId, blockNumber }, signingKey);
      const detail = `another block ${blockNumber} of this chain, validly signed: ${other.hash}`;
      return { fault: "forked", detail };
    });
  };
}

async function bytesCheck(verify: () => Promise<BytesCheck>): Promise<BytesCheck> {
  try {
    return await verify();
  } catch (error) {
    if (!(error instanceof InvalidBlock)) throw error;
    return { fault: "corrupt", detail: `${error.fault}: ${error.message.slice(0, 200)}` };
  }
}
