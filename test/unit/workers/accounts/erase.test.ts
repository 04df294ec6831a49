import { beforeEach, describe, expect, it } from "vitest";
import { r2Keys } from "../../../../shared/storage/layout.ts";
import type { Env } from "../../../../workers/accounts/env.ts";
import { erase } from "../../../../workers/accounts/erase.ts";
import type { Erasure } from "../../../../workers/chain-head/decisions/erase.ts";
import type { Withdrawal } from "../../../../workers/chain-head/decisions/withdraw.ts";
import { MemoryBucket, SILENT } from "../../../support/stack/memory-bucket.ts";

const TX_ID = `vdc_tx_${"ab".repeat(20)}`;

let calls: string[];
beforeEach(() => {
  calls = [];
});

/** Erases a transaction when the chain head gives these answers. @returns the writes, in order */
async function writesWhen(
  decided: Erasure,
  withdrawal: Withdrawal = "withdrawn",
): Promise<readonly string[]> {
  const bucket = new MemoryBucket();
  bucket.before = (call, key) => void calls.push(`${call} ${key}`);
  const chainHead = {
    erase: async () => decided,
    withdraw: async () => {
      calls.push("withdraw");
      return [withdrawal];
    },
  };
  const env = {
    CHAIN_ID: "test",
    CHAIN_HEAD: { getByName: () => chainHead },
    DEAD_LETTERS: { getByName: () => ({ letters: async () => [], erase: async () => [] }) },
    R2: bucket,
  };
  await erase(TX_ID, { by: "ann", reason: "request 12" }, env as unknown as Env, SILENT);
  return calls;
}

describe("erasing", () => {
  it("leaves the pending object alone of what was not paid in time: once it is there, it has been paid meanwhile", async () => {
    expect(await writesWhen({ may: "expired" })).toEqual([`delete ${r2Keys.intent(TX_ID)}`]);
  });

  it("records a transaction that no block took, tells the chain head of the record, and only then deletes", async () => {
    expect(await writesWhen({ may: "withdrawn" })).toEqual([
      `put ${r2Keys.erased(TX_ID)}`,
      "withdraw",
      `delete ${r2Keys.pending(TX_ID)}`,
      `delete ${r2Keys.setAside(TX_ID)}`,
      `delete ${r2Keys.intent(TX_ID)}`,
    ]);
  });

  it("deletes nothing when a restored chain head has put the transaction into a block meanwhile", async () => {
    await expect(writesWhen({ may: "withdrawn" }, "mined")).rejects.toMatchObject({ slug: "not-ready" });
    expect(calls).toEqual([`put ${r2Keys.erased(TX_ID)}`, "withdraw"]);
  });
});
