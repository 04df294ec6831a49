import { InvalidBlock, verifyBlock, type Block, type SigningKeyLookup } from "../../shared/chain/block.ts";
import { hex } from "../../shared/crypto/bytes.ts";
import { sha256OfFile } from "../../shared/crypto/hash.ts";
import { errorText } from "../../shared/log.ts";
import type { TierFault, TierReport } from "../../shared/storage/report.ts";
import { patiently } from "./patience.ts";
import type { BlockCopy, Tier } from "../../shared/storage/tier.ts";

/** A persisted block as the chain head knows it: what every copy is held against. */
export interface KnownBlock {
  readonly blockNumber: number;
  readonly hash: string;
  readonly sha256: string;
  readonly cid: string;
  readonly previousHash: string;
  readonly historyRoot: string;
  /** Its index is due: a block that was just persisted has none yet. */
  readonly indexed: boolean;
  readonly transactionCount: number;
}

export interface Chain {
  readonly chainId: string;
  readonly signingKey: SigningKeyLookup;
}

/** What a tier holds of a block. */
export interface Finding {
  readonly report: TierReport;
  /** Sound bytes, even where something else about the copy is wrong. */
  readonly copy?: BlockCopy;
  /** Wrong bytes, to be kept before they are overwritten. */
  readonly evidence?: Uint8Array<ArrayBuffer>;
}

/** Reads a tier's copy and verifies it. A tier that can't be read is unreachable: nothing follows from it. */
export async function inspect(
  tier: Tier,
  known: KnownBlock,
  chain: Chain,
  patience: number,
): Promise<Finding> {
  const holding = await patiently(patience, () => tier.read(known)).catch((error: unknown) => ({ error }));
  if ("error" in holding) return without("unreachable", errorText(holding.error));
  const { bytes } = holding;
  const verdict = bytes === undefined ? undefined : await judge(bytes, known, chain);
  const copy = verdict?.block && bytes && { block: verdict.block, bytes, cid: known.cid };
  if (holding.state === "missing")
    return { ...without("missing", holding.detail), ...(copy !== undefined && { copy }) };
  if (holding.wrong !== undefined)
    return {
      ...without(holding.wrong, holding.detail ?? holding.wrong),
      ...(copy === undefined ? { evidence: holding.bytes } : { copy }),
    };
  if (copy === undefined)
    return { ...without(verdict?.fault ?? "corrupt", verdict?.detail ?? ""), evidence: holding.bytes };
  return { report: { present: true, hash: tier.name === "ipfs" ? known.cid : known.hash }, copy };
}

function without(fault: TierFault, detail: string): Finding {
  return { report: { present: false, hash: null, fault, detail } };
}

type Verdict =
  | { block: Block; fault?: never; detail?: never }
  | { block?: never; fault: TierFault; detail: string };

/** Whether bytes are the block that the chain head sealed, and verify in its place; if not, whose bytes they are. */
async function judge(bytes: Uint8Array<ArrayBuffer>, known: KnownBlock, chain: Chain): Promise<Verdict> {
  const { chainId, signingKey } = chain;
  const { blockNumber, hash, previousHash, historyRoot } = known;
  const sealed = hex(await sha256OfFile(bytes)) === known.sha256;
  try {
    const place = sealed
      ? { chainId, blockNumber, hash, previousHash, historyRoot }
      : { chainId, blockNumber };
    const block = await verifyBlock(bytes, place, signingKey);
    if (sealed) return { block };
    return {
      fault: "forked",
      detail: `another block ${blockNumber} of this chain, validly signed: ${block.hash}`,
    };
  } catch (error) {
    if (!(error instanceof InvalidBlock)) throw error;
    return { fault: "corrupt", detail: `${error.fault}: ${error.message.slice(0, 200)}` };
  }
}
