import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { InvalidBlock } from "../../../shared/chain/block.ts";
import { untrustedBlocks } from "../../../shared/chain/signing-keys.ts";
import { ChainMaps, ChainVerifier } from "../../../shared/chain/verify-chain.ts";
import type { ExampleKey } from "../../unit/docs/independent-signer.ts";
import {
  bytesOf,
  Refused,
  untrustedBlocks as untrustedIndependently,
  verifyChain,
  type Block,
} from "./independent-verifier.ts";

/** Reads a file of the worked example of docs/format.md. */
export function exampleFile(name: string): unknown {
  const path = join(import.meta.dirname, "../../fixtures/worked-example", name);
  return JSON.parse(readFileSync(path, "utf8"));
}

export const keys = exampleFile("keys.json") as Record<
  "signing1" | "signing2" | "user" | "secondUser" | "encryption" | "userEncryption",
  ExampleKey
>;

export const { blocks: published } = exampleFile("chain.json") as {
  blocks: { cid: string; bytes: string }[];
};
export const example = published.map(({ bytes }) => bytesOf(bytes));
export const blocks = example.map((bytes) => JSON.parse(bytes.toString()) as Block);
export const GENESIS = "8251336e62a71b93d5870bc18d02db2c4bdb59dc34b9095cec9e846c366d379b";

export function at<Item>(items: readonly Item[], index: number): Item {
  const item = items[index];
  if (item === undefined) throw new Error(`there is no item ${index}`);
  return item;
}

/**
 * Returns the result of both verifiers for a chain, the project's and the one written from docs/format.md: the fault of
 * its first bad block, the blocks not to be trusted, or "accepted". Fails the test if the two differ.
 */
export async function verdict(chain: readonly Uint8Array[], genesisHash = GENESIS): Promise<string> {
  const theirs = independently(chain, genesisHash);
  expect(await ours(chain, genesisHash)).toBe(theirs);
  return theirs;
}

async function ours(chain: readonly Uint8Array[], genesisHash: string): Promise<string> {
  const memory = new ChainMaps();
  const verifier = new ChainVerifier(memory);
  try {
    for (const bytes of chain) await verifier.add(new Uint8Array(bytes));
  } catch (error) {
    if (error instanceof InvalidBlock) return error.fault;
    throw error;
  }
  if (memory.end?.genesisHash !== genesisHash) return "wrong_place";
  const untrusted = untrustedBlocks(memory.end.keys).flatMap(({ first, last }) =>
    Array.from({ length: last - first + 1 }, (_, i) => first + i),
  );
  return untrusted.join() || "accepted";
}

function independently(chain: readonly Uint8Array[], genesisHash: string): string {
  try {
    return untrustedIndependently(verifyChain(chain, genesisHash)).join() || "accepted";
  } catch (error) {
    if (error instanceof Refused) return error.fault;
    throw error;
  }
}
