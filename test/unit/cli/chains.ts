import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { ChainFile } from "../../../cli/car/write.ts";
import type { SourceBlock } from "../../../cli/chain/verify.ts";
import { blockBytes, type Block } from "../../../shared/chain/block.ts";
import { cidV0 } from "../../../shared/crypto/cid.ts";
import { blockRecord } from "../../../shared/storage/kv-tier.ts";
import { genesis, payment, signerOf, TestChain } from "../../support/chain/chain.ts";
import type { Answered, Asked } from "./server.ts";

/** Makes genesis and blocks after it with one payment each. */
export async function chainOf(length: number, operator = "the operator"): Promise<readonly Block[]> {
  const signer = await signerOf(operator);
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

/** Returns a handler that answers like a deployment with these blocks. */
export async function publishing(blocks: readonly Block[]): Promise<(asked: Asked) => Answered> {
  const last = blocks.at(-1) as Block;
  const records = await Promise.all(blocks.map(recordOf));
  return ({ path }) => {
    if (path === "/api/vdc/latest") return { body: { blockNumber: last.blockNumber, hash: last.hash } };
    const [, number] = /^\/api\/vdc\/blocks\/(\d+)$/.exec(path) ?? [];
    return number === undefined ? { status: 404, problem: "not-found" } : { body: records[Number(number)] };
  };
}

/** Returns the answer of `GET /api/vdc/blocks/{n}`. */
export async function recordOf(block: Block): Promise<object> {
  const bytes = blockBytes(block);
  return blockRecord(
    { block, bytes, cid: await cidV0(bytes) },
    { gatewayUrl: "http://ipfs.test", now: () => 1 },
  );
}

/** Makes a directory that is removed after the test. */
export function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), "vdc-cli-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
