import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Fault } from "../../cli/local/pinning/faults.ts";
import { cidV0 } from "../../shared/crypto/cid.ts";
import { kvKeys, r2Keys } from "../../shared/storage/layout.ts";
import { blockRow, latest, logged, pinnedFiles, stagedKeys } from "../support/chain/chain-state.ts";
import { checkChain, expectMined, pendingKeys } from "../support/chain/check-chain.ts";
import { until } from "../support/stack/patience.ts";
import { status, untilIdle } from "../support/payments/payments.ts";
import type { Pipeline } from "../support/stack/pipeline.ts";
import { submit } from "../support/payments/sealed-payments.ts";
import { startChain } from "../support/chain/started-chain.ts";

let pipeline: Pipeline;
beforeAll(async () => {
  // The watchdog never acts here, so the message's own retries must suffice. recovery.test.ts and restarts.prove.ts
  // test the watchdog.
  pipeline = await startChain({ vars: { STALL_AFTER_SECONDS: "3600", PIN_DEADLINE_SECONDS: "1" } });
});
afterAll(() => pipeline.close());

/** Returns the failed attempts of tier-persister that it will repeat. */
const failedAttempts = () =>
  logged(pipeline, "message.retried").filter(({ worker }) => worker === "tier-persister");

const pinsOf = async (blockNumber: number) =>
  (await pinnedFiles(pipeline)).filter(({ name }) => name.endsWith(`-block-${blockNumber}.json`));

async function json(path: string): Promise<unknown> {
  return (await pipeline.fetch(path)).json();
}

const FAULTS: [what: string, fault: Fault][] = [
  ["is down", { kind: "fail", status: 500, on: "all" }],
  ["answers 200 with a web page", { kind: "fail", status: 200, html: true, on: "api" }],
  ["does not answer in time", { kind: "stall", on: "upload" }],
  ["limits the rate", { kind: "rate_limit", retryAfterSeconds: 3, on: "upload" }],
  ["refuses the token", { kind: "unauthorized" }],
  ["answers with another file's CID", { kind: "wrong_cid" }],
  ["says it has what it threw away", { kind: "lost" }],
  ["stores the block, and says that it failed", { kind: "stored_but_errored" }],
  ["has the block, but its gateway does not", { kind: "gateway_missing" }],
  ["serves other bytes than those pinned", { kind: "gateway_altered" }],
];

describe("while the pinning service", () => {
  it.each(FAULTS)(
    "%s, nothing is cleared or published; then the same block is finished [T20]",
    async (_, fault) => {
      const txId = await submit(pipeline);
      const before = await latest(pipeline);
      const blocksBefore = await checkChain(pipeline);
      const blockNumber = blocksBefore.length;
      const failedBefore = failedAttempts().length;
      pipeline.pinning.setFault(fault);
      await pipeline.operate("/api/vdc/mine", { method: "POST" });
      await until(async () => expect(failedAttempts().length).toBeGreaterThan(failedBefore));
      if (fault.kind === "rate_limit")
        expect(failedAttempts().at(-1)?.delaySeconds).toBeGreaterThanOrEqual(fault.retryAfterSeconds);

      const sealed = await blockRow(pipeline, blockNumber);
      expect(sealed?.state).toBe("sealed");
      expect(await latest(pipeline)).toEqual(before);
      expect(await pendingKeys(pipeline)).toEqual([r2Keys.pending(txId)]);
      expect(await pipeline.kv.get(kvKeys.block(blockNumber))).toBeNull();
      expect(await pipeline.kv.get(kvKeys.transaction(txId))).toBeNull();
      const answer = await pipeline.fetch(`/api/vdc/blocks/${blockNumber}`);
      expect(answer.status).toBe(404);
      expect(await json("/api/vdc/blocks?limit=1")).toMatchObject({
        blocks: [{ blockNumber: blockNumber - 1 }],
      });
      expect(await json(`/api/vdc/transactions/${txId}`)).toMatchObject({
        state: "reserved",
        blockState: "sealed",
      });
      expect(await stagedKeys(pipeline, blockNumber)).toEqual([
        r2Keys.sealed(blockNumber, sealed?.sha256 ?? ""),
      ]);

      pipeline.pinning.clearFaults();
      await untilIdle(pipeline);
      await until(async () => expect((await latest(pipeline))?.blockNumber).toBe(blockNumber));
      const blocks = await checkChain(pipeline);
      expect(blocks[blockNumber]?.hash).toBe(sealed?.hash);
      expectMined(blocks.slice(blockNumber), [txId]);
      const archived = await pipeline.r2.get(r2Keys.block(blockNumber));
      const cid = await cidV0(new Uint8Array((await archived?.arrayBuffer()) ?? []));
      expect((await pinsOf(blockNumber)).map((pin) => pin.cid)).toEqual([cid]);
      expect(await pendingKeys(pipeline)).toEqual([]);
      expect((await status(pipeline)).counts).toMatchObject({ setAside: 0, pending: 0 });
    },
  );
});
