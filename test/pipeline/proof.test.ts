import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Consistency } from "../../shared/api/proof.ts";
import type { WellKnown } from "../../shared/api/well-known.ts";
import { leafHash, merkleRoot, verifyConsistency } from "../../shared/chain/merkle.ts";
import { fromHex } from "../../shared/crypto/bytes.ts";
import { parseEntryBundle } from "../../shared/tlog/entries.ts";
import { openCheckpoint } from "../../shared/tlog/open-checkpoint.ts";
import { parsePolicy } from "../../shared/tlog/policy.ts";
import { parseReceipts, verifyReceipt } from "../../shared/tlog/receipt.ts";
import { parseVkey, type VerifierKey } from "../../shared/tlog/vkey.ts";
import { verifyProof } from "../../shared/verify/verify-proof.ts";
import { verifyTlogProof } from "../../shared/verify/verify-tlog-proof.ts";
import { policyOf } from "../../cli/local/witness/beside-log.ts";
import { checkChain } from "../support/chain/check-chain.ts";
import { entriesOf } from "../support/chain/published-log.ts";
import { mine, pay, untilWaiting } from "../support/payments/payments.ts";
import { until } from "../support/stack/patience.ts";
import { startPipeline, type Pipeline } from "../support/stack/pipeline.ts";

let pipeline: Pipeline;
let txId: string;

beforeAll(async () => {
  pipeline = await startPipeline();
  for (let payments = 0; payments < 3; payments++) {
    const paid = await pay(pipeline);
    await untilWaiting(pipeline, 1);
    await mine(pipeline);
    txId ??= paid;
  }
  const { length } = await checkChain(pipeline);
  await until(async () => expect(await sizeOf("/log/checkpoint")).toBe(length));
  await until(async () => {
    await pipeline.fireCron("checkpointer");
    expect((await read(`/api/vdc/transactions/${txId}/proof`)).headers.get("x-witness-quorum")).toBe(
      "reached",
    );
    expect((await pipeline.r2.list({ prefix: "log/timestamps/" })).objects).toHaveLength(1);
  });
});
afterAll(() => pipeline.close());

async function read(path: string, accept = "*/*"): Promise<Response> {
  const response = await pipeline.fetch(path, { headers: { accept } });
  expect(response.status, path).toBe(200);
  return response;
}

const textOf = async (path: string, accept?: string) => (await read(path, accept)).text();
const bytesOf = async (path: string, accept?: string) =>
  new Uint8Array(await (await read(path, accept)).arrayBuffer());

async function sizeOf(path: string): Promise<number> {
  return Number((await textOf(path)).split("\n")[1]);
}

async function vkeysOf(path: string): Promise<VerifierKey[]> {
  return (await textOf(path)).trimEnd().split("\n").map(parseVkey);
}

async function genesisHash(): Promise<string> {
  const { genesisHash } = JSON.parse(await textOf("/.well-known/vdc.json")) as WellKnown;
  return genesisHash ?? "";
}

describe("the proof of a mined transaction", () => {
  it("verifies as a bundle from the genesis hash alone, with its witness and its time stamp", async () => {
    const bytes = await bytesOf(`/api/vdc/transactions/${txId}/proof`, "application/json");
    const authority = (JSON.parse(Buffer.from(bytes).toString()) as { timestamps: { authority: string }[] })
      .timestamps[0]?.authority;
    const { report } = await verifyProof(bytes, {
      genesisHash: await genesisHash(),
      txId,
      witnesses: parsePolicy(policyOf(pipeline.witness)),
      issuers: { [authority ?? ""]: pipeline.timestamps.issuers },
    });
    expect(report.steps.filter(({ state }) => state === "failed")).toEqual([]);
    expect(report.verdict).toBe("verified");
  });

  it("is refused for another genesis", async () => {
    const bytes = await bytesOf(`/api/vdc/transactions/${txId}/proof`, "application/json");
    const { report } = await verifyProof(bytes, { genesisHash: "0".repeat(64) });
    expect(report.verdict).toBe("failed");
  });

  it("verifies as a tlog-proof of the exact bytes, with the vkeys and the witness", async () => {
    const entry = await bytesOf(`/api/vdc/transactions/${txId}/bytes`);
    const vkeys = (await textOf("/log/tx/vkeys")).trimEnd().split("\n");
    const policy = parsePolicy(
      `${vkeys.map((vkey) => `log ${vkey}\n`).join("")}${policyOf(pipeline.witness)}`,
    );
    const report = await verifyTlogProof(await textOf(`/api/vdc/transactions/${txId}/proof`), entry, policy);
    expect(report.verdict).toBe("verified");
  });

  it("verifies as COSE receipts of both keys", async () => {
    const leaf = leafHash(await bytesOf(`/api/vdc/transactions/${txId}/bytes`));
    const receipts = parseReceipts(await bytesOf(`/api/vdc/transactions/${txId}/proof`, "application/cose"));
    const keys = await vkeysOf("/log/tx/vkeys");
    const { checkpoint } = await openCheckpoint(await textOf("/log/tx/checkpoint"), keys);
    const signers = await Promise.all(
      receipts.map((receipt) => verifyReceipt(receipt, leaf, checkpoint.root, keys)),
    );
    expect(signers.map(({ id }) => id)).toEqual(keys.map(({ id }) => id));
  });
});

describe("the logs over HTTP", () => {
  it("give their entries, whose root is the checkpoint's", async () => {
    const entries = entriesOf(await checkChain(pipeline));
    for (const [prefix, expected] of [
      ["/log", entries.blocks],
      ["/log/tx", entries.transactions],
    ] as const) {
      const { checkpoint } = await openCheckpoint(
        await textOf(`${prefix}/checkpoint`),
        await vkeysOf(`${prefix}/vkeys`),
      );
      const bundle = await bytesOf(`${prefix}/tile/entries/000.p/${checkpoint.size}`);
      const read = parseEntryBundle(bundle, checkpoint.size);
      expect(read).toEqual(expected);
      expect(Buffer.from(merkleRoot(read.map(leafHash)))).toEqual(Buffer.from(checkpoint.root));
    }
  });

  it("prove that they only grow", async () => {
    const size = await sizeOf("/log/checkpoint");
    for (let from = 1; from <= size; from++) {
      const answer = JSON.parse(await textOf(`/api/vdc/consistency?from=${from}`)) as Consistency;
      expect(
        verifyConsistency({
          firstSize: from,
          secondSize: size,
          firstRoot: fromHex(answer.from.root),
          secondRoot: fromHex(answer.to.root),
          proof: answer.path.map(fromHex),
        }),
      ).toBe(true);
    }
  });
});
