import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { ChainFile } from "../../../cli/car/write.ts";
import type { SourceBlock } from "../../../cli/chain/verify.ts";
import { blockBytes, type Block } from "../../../shared/chain/block.ts";
import { genesis, payment, signerOf, TestChain } from "../../support/chain.ts";

/** Genesis and a payment in each block after it. */
export async function chainOf(length: number): Promise<readonly Block[]> {
  const signer = await signerOf("the operator");
  const chain = new TestChain();
  await chain.add([genesis(signer)], signer);
  while (chain.blocks.length < length) await chain.add([payment(`payment ${chain.blocks.length}`)], signer);
  return chain.blocks;
}

export async function* asFiles(blocks: readonly Block[]): AsyncGenerator<ChainFile> {
  for (const block of blocks) yield { blockNumber: block.blockNumber, bytes: blockBytes(block) };
}

export async function* asSource(blocks: readonly Block[]): AsyncGenerator<SourceBlock> {
  for (const block of blocks) yield { bytes: blockBytes(block) };
}

/** A directory that is gone after the test. */
export function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), "vdc-cli-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
