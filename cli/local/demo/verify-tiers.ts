import { blockBytes } from "../../../shared/chain/block.ts";
import type { ChainVerifier } from "../../../shared/chain/verify-chain.ts";
import { equalBytes } from "../../../shared/crypto/bytes.ts";
import { cidV0 } from "../../../shared/crypto/cid.ts";
import { workerName } from "../../../shared/pipeline.ts";
import type { BlockRecord } from "../../../shared/storage/kv-tier.ts";
import { kvKeys, r2Keys } from "../../../shared/storage/layout.ts";
import type { Stack } from "../stack/stack.ts";
import type { VerifiedBlock } from "../../chain/verify.ts";
import { expectThat } from "./story.ts";

/**
 * Reads a block from KV, R2 and the IPFS gateway, and recomputes hash, Merkle root, signature, links and CID from the
 * bytes of each.
 */
export async function verifyTiers(stack: Stack, verifier: ChainVerifier): Promise<VerifiedBlock> {
  const number = verifier.next;
  const [r2, kv] = await Promise.all([fromR2(stack, number), fromKv(stack, number)]);
  const cid = await cidV0(r2);
  expectThat(kv.cid === cid, `KV says that block ${number} is ${kv.cid} on IPFS, its bytes give ${cid}`);
  const pinned = await fromIpfs(stack, cid);
  expectThat(equalBytes(r2, kv.bytes), `KV and R2 hold different bytes for block ${number}`);
  expectThat(equalBytes(r2, pinned), `IPFS and R2 hold different bytes for block ${number}`);
  const block = await verifier.add(r2);
  return { block, bytes: r2, cid };
}

async function fromR2({ miniflare }: Stack, number: number): Promise<Uint8Array<ArrayBuffer>> {
  const bucket = await miniflare.getR2Bucket("R2", workerName("gateway"));
  const object = await bucket.get(r2Keys.block(number));
  expectThat(object !== null, `R2 has no block ${number}`);
  return new Uint8Array(await object.arrayBuffer());
}

async function fromKv(
  { miniflare }: Stack,
  number: number,
): Promise<{ bytes: Uint8Array<ArrayBuffer>; cid: string }> {
  const namespace = await miniflare.getKVNamespace("KV", workerName("gateway"));
  const text: unknown = await namespace.get(kvKeys.block(number));
  expectThat(typeof text === "string", `KV has no block ${number}`);
  const { ipfsHash, ipfsGatewayUrl: _, storage: __, ...block } = JSON.parse(text) as BlockRecord;
  return { bytes: blockBytes(block), cid: ipfsHash };
}

async function fromIpfs({ pinning }: Stack, cid: string): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(`${pinning.gatewayUrl}/ipfs/${cid}`);
  expectThat(response.ok, `the IPFS gateway answered ${response.status} for ${cid}`);
  return new Uint8Array(await response.arrayBuffer());
}
