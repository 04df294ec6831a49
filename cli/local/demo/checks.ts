import * as v from "valibot";
import { VerifyAllResult } from "../../../shared/api/storage-report.ts";
import type { MinedBlock } from "../../../shared/api/mine.ts";
import { InvalidBlock } from "../../../shared/chain/block.ts";
import { ChainVerifier } from "../../../shared/chain/verify-chain.ts";
import { fromUtf8, utf8 } from "../../../shared/crypto/bytes.ts";
import { workerName } from "../../../shared/pipeline.ts";
import { kvKeys, r2Keys } from "../../../shared/storage/layout.ts";
import type { VerifiedBlock } from "../../chain/verify.ts";
import { Client } from "../../http/client.ts";
import type { Stack } from "../stack/stack.ts";
import { operatorOf } from "./operator.ts";
import { expectThat, type Story } from "./story.ts";
import { verifyTiers } from "./verify-tiers.ts";

export async function verifyEveryBlock(
  stack: Stack,
  story: Story,
  last: number,
): Promise<readonly VerifiedBlock[]> {
  story.title("A stranger checks every block: KV, R2 and IPFS, byte by byte");
  const verifier = new ChainVerifier();
  const verified: VerifiedBlock[] = [];
  while (verifier.next <= last)
    verified.push(
      await story.step(`block ${verifier.next}`, () => verifyTiers(stack, verifier), describeBlock),
    );
  await story.step(
    "block 2 with one letter changed",
    () => refuseForgery(verified),
    (fault) => `refused, ${fault}`,
  );
  return verified;
}

export async function repairStorage(stack: Stack, story: Story, last: number): Promise<void> {
  story.title("Storage is damaged, and an operator has it verified");
  await story.step("block 1 is lost from KV, a bit of block 2 flips in R2", () => damageStorage(stack));
  const mended = await story.step(
    "verify every byte in every tier",
    async () => {
      const timeoutMs = 300_000; // every copy is read and checked within the call
      const call = operatorOf(stack).call("POST /api/storage-verify/verify-all", { timeoutMs });
      return v.parse(VerifyAllResult, await call);
    },
    ({ verified: sound, rehydrated, results }) =>
      `${sound} sound, ${rehydrated} restored: ${results.flatMap(({ message, status }) => (status === "rehydrated" ? [message.toLowerCase()] : [])).join("; ")}`,
  );
  expectThat(mended.rehydrated === 2 && mended.failed === 0, "the two damaged blocks were not restored");
  await story.step("both blocks once more, in all three places", async () => {
    const verifier = new ChainVerifier();
    while (verifier.next <= last) await verifyTiers(stack, verifier);
  });
}

/** Deletes block 1 from KV and flips one bit of block 2 in R2, directly in the storage. */
async function damageStorage({ miniflare }: Stack): Promise<void> {
  const kv = await miniflare.getKVNamespace("KV", workerName("gateway"));
  await kv.delete(kvKeys.block(1));
  const bucket = await miniflare.getR2Bucket("R2", workerName("gateway"));
  const object = await bucket.get(r2Keys.block(2));
  if (object === null) throw new Error("R2 has no block 2");
  const bytes = new Uint8Array(await object.arrayBuffer());
  bytes[100] = (bytes[100] ?? 0) ^ 1;
  await bucket.put(r2Keys.block(2), bytes);
}

export async function lookUp(stack: Stack, story: Story, deedId: string, last: MinedBlock): Promise<void> {
  const client = new Client(stack.url);
  story.title("What anyone can look up");
  await story.step(
    "deed-17",
    () => client.call("GET /api/vdc/assets/:assetId", { params: { assetId: "deed-17" } }),
    ({ vdcBlockNumber }) => `in block ${vdcBlockNumber}`,
  );
  const found = await story.step(
    deedId,
    () => client.call("GET /api/vdc/transactions/:txId", { params: { txId: deedId } }),
    (status) => `${status.state}, block ${"blockNumber" in status ? status.blockNumber : "none"}`,
  );
  expectThat(found.state === "mined", "the first purchase is not mined");
  const latest = await client.call("GET /api/vdc/latest");
  expectThat(latest.blockNumber === 2 && latest.hash === last.hash, "vdc:latest does not name block 2");
}

export function refusePrivateTexts(
  verified: readonly VerifiedBlock[],
  privateTexts: readonly string[],
): void {
  const everything = verified.map(({ bytes }) => fromUtf8(bytes)).join("");
  for (const text of privateTexts)
    expectThat(!everything.includes(text), `the public blocks contain "${text}"`);
}

function describeBlock({ block, bytes, cid }: VerifiedBlock): string {
  const kinds = block.transactions.map(({ type }) => type).join(", ");
  return `hash, Merkle root, signature, links and ${cid} agree in 3 places; ${bytes.length} bytes; ${kinds}`;
}

/** Forges the chain with another asset in its last block. @returns how the verifier detected the forgery */
async function refuseForgery(verified: readonly VerifiedBlock[]): Promise<string> {
  const verifier = new ChainVerifier();
  for (const { bytes } of verified.slice(0, -1)) await verifier.add(bytes);
  const forged = utf8(fromUtf8(verified.at(-1)?.bytes ?? new Uint8Array()).replace("lease-8", "lease-9"));
  const refusal = await verifier.add(forged).catch((error: unknown) => error);
  expectThat(refusal instanceof InvalidBlock, "a forged block was not refused");
  return refusal.fault;
}
