import { blockBytes, readBlock, type Block } from "../../shared/chain/block.ts";
import { ChainVerifier } from "../../shared/chain/verify-chain.ts";
import { equalBytes } from "../../shared/crypto/bytes.ts";
import { cidV0 } from "../../shared/crypto/cid.ts";
import { r2Keys } from "../../shared/storage/layout.ts";
import { verifyChain } from "../support/independent-verifier.ts";
import type { Expected } from "./orders.ts";
import type { Stored, StoredBlock } from "./stored.ts";

/** A dead letter as the operator sees it. */
export interface DeadLetter {
  readonly txId: string | null;
  readonly stage: string;
  readonly reason: string;
  readonly error: string;
}

/**
 * Checks what storage alone must show once every request was answered and no work is left.
 * @param expected the promises to clients, by transaction id
 * @returns a sentence for each violation
 */
export async function violationsOf(
  stored: Stored,
  expected: ReadonlyMap<string, Expected>,
  deadLetters: readonly DeadLetter[],
): Promise<string[]> {
  const { blocks, violations } = await verifiedBlocks(stored);
  const setAside = new Set(deadLetters.map(({ txId }) => String(txId)));
  return [
    ...violations,
    ...brokenPromises(blocks, expected, setAside),
    ...unexpectedDeadLetters(deadLetters, expected),
    ...wrongIndex(blocks, stored.index),
    ...wrongLeftovers(stored.leftovers, setAside),
    ...(stored.pendingCount === "0" ? [] : [`vdc:pending:count is ${stored.pendingCount}, not 0`]),
    ...(stored.deadLetters.length === deadLetters.length
      ? []
      : [`R2 holds ${stored.deadLetters.length} dead letters, ${deadLetters.length} are listed`]),
  ];
}

/** Verifies the chain in every tier. The bytes must be equal, and two independent verifiers must accept them. */
async function verifiedBlocks(
  stored: Stored,
): Promise<{ readonly blocks: readonly Block[]; readonly violations: readonly string[] }> {
  const violations: string[] = [];
  const blocks: Block[] = [];
  const bytes: Uint8Array<ArrayBuffer>[] = [];
  for (const [n, copies] of stored.blocks.entries())
    try {
      const whole = await sameEverywhere(copies);
      blocks.push(readBlock(whole));
      bytes.push(whole);
    } catch (error) {
      violations.push(`block ${n}: ${String(error)}`);
    }
  // All blocks are counted below, also blocks that are refused here.
  const verifier = new ChainVerifier();
  try {
    for (const whole of bytes) await verifier.add(whole);
  } catch (error) {
    violations.push(`the chain does not verify at block ${verifier.next}: ${String(error)}`);
  }
  try {
    verifyChain(bytes, blocks[0]?.hash ?? "");
  } catch (error) {
    violations.push(`the independent verifier: ${String(error)}`);
  }
  const last = blocks.at(-1);
  if (stored.latest?.blockNumber !== last?.blockNumber || stored.latest?.hash !== last?.hash)
    violations.push(`vdc:latest is ${JSON.stringify(stored.latest)}, the last block ${last?.blockNumber}`);
  return { blocks, violations };
}

/** @throws Error that names the missing or different copy */
async function sameEverywhere({ r2, kv, ipfs }: StoredBlock): Promise<Uint8Array<ArrayBuffer>> {
  if (r2 === undefined) throw new Error("R2 does not hold it");
  if (kv === undefined) throw new Error("KV does not hold it");
  if (ipfs === undefined) throw new Error("IPFS does not hold it");
  const { ipfsHash, ipfsGatewayUrl: _, storage: __, ...block } = kv;
  const bytes = Uint8Array.from(r2);
  if (!equalBytes(bytes, blockBytes(block as unknown as Block))) throw new Error("KV and R2 differ");
  if (!equalBytes(bytes, ipfs)) throw new Error("IPFS and R2 differ");
  const cid = await cidV0(bytes);
  if (cid !== ipfsHash)
    throw new Error(`KV says that it is ${String(ipfsHash)} on IPFS, its bytes give ${cid}`);
  return bytes;
}

/** Checks that each expected transaction is in exactly one block, and that no other transaction is. */
function brokenPromises(
  blocks: readonly Block[],
  expected: ReadonlyMap<string, Expected>,
  setAside: ReadonlySet<string>,
): string[] {
  const violations: string[] = [];
  const places = new Map<string, number[]>();
  const creators = new Map<string, number>();
  for (const { blockNumber, transactions } of blocks)
    for (const { id, type, data } of transactions) {
      if (type === "genesis") continue;
      places.set(id, [...(places.get(id) ?? []), blockNumber]);
      const promised = expected.get(id);
      if (promised === undefined) violations.push(`${id} is in block ${blockNumber}, and nobody sent it`);
      else if (promised.type !== type) violations.push(`${id} is mined as ${type}, not as ${promised.type}`);
      if (type === "asset_creation" && "assetId" in data)
        creators.set(data.assetId, (creators.get(data.assetId) ?? 0) + 1);
    }
  for (const [id, { assetId }] of expected) {
    const found = places.get(id) ?? [];
    if (found.length > 1) violations.push(`${id} is mined ${found.length} times: blocks ${found.join(", ")}`);
    if (found.length === 0 && !setAside.has(id))
      violations.push(`${id} is lost: in no block, and not set aside`);
    if (found.length > 0 && setAside.has(id)) violations.push(`${id} is mined, and set aside`);
    if (assetId !== undefined && !creators.has(assetId)) {
      violations.push(`nobody created ${assetId}`);
      creators.set(assetId, 0);
    }
  }
  return violations;
}

/** Lists dead letters other than the creations that came too late for a contested asset. */
function unexpectedDeadLetters(
  deadLetters: readonly DeadLetter[],
  expected: ReadonlyMap<string, Expected>,
): string[] {
  const claims = new Map<string, number>();
  for (const { assetId } of expected.values())
    if (assetId !== undefined) claims.set(assetId, (claims.get(assetId) ?? 0) + 1);
  return deadLetters.flatMap(({ txId, stage, reason, error }) => {
    const { assetId } = expected.get(txId ?? "") ?? {};
    const contested = assetId !== undefined && (claims.get(assetId) ?? 0) > 1;
    return contested && reason === "asset_exists"
      ? []
      : [`a dead letter of ${stage} about ${txId}: ${reason}, ${error}`];
  });
}

const placesOf = (txId: string): readonly string[] => [r2Keys.pending(txId), r2Keys.setAside(txId)];

/**
 * R2 keeps the object of a set-aside transaction for a replay: under `pending/` until the sweep moves it to
 * `set-aside/`. R2 keeps no other object of these folders.
 */
function wrongLeftovers(leftovers: readonly string[], setAside: ReadonlySet<string>): string[] {
  const held = new Set(leftovers);
  const kept = new Set([...setAside].flatMap(placesOf));
  return [
    ...leftovers.filter((key) => !kept.has(key)).map((key) => `R2 still holds ${key}`),
    ...[...setAside]
      .filter((txId) => !placesOf(txId).some((key) => held.has(key)))
      .map((txId) => `R2 no longer holds the submission ${txId}, which was set aside`),
  ];
}

function wrongIndex(blocks: readonly Block[], index: Stored["index"]): string[] {
  const violations: string[] = [];
  const left = new Set(index.keys());
  for (const { blockNumber, transactions } of blocks)
    for (const [i, { id }] of transactions.entries()) {
      left.delete(id);
      const record = index.get(id);
      if (record?.blockNumber !== blockNumber || record.index !== i)
        violations.push(
          `vdc:tx of ${id} says ${JSON.stringify(record ?? null)}, it is number ${i} of block ${blockNumber}`,
        );
    }
  return [...violations, ...[...left].map((id) => `vdc:tx names ${id}, which is in no block`)];
}
