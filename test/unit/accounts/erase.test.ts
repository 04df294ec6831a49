import { describe, expect, it } from "vitest";
import type { Log } from "../../../shared/log.ts";
import { r2Keys } from "../../../shared/storage/layout.ts";
import type { Env } from "../../../workers/accounts/env.ts";
import { erase } from "../../../workers/accounts/erase.ts";
import type { Erasure } from "../../../workers/chain-head/erase.ts";

const SILENT: Log = { info() {}, warn() {}, error() {}, with: () => SILENT };
const TX_ID = `vdc_tx_${"ab".repeat(20)}`;

/** @returns keys that are deleted in R2 when the chain head decides so */
async function deletedWhen(decided: Erasure): Promise<string[]> {
  const deleted: string[] = [];
  const env = {
    CHAIN_ID: "test",
    CHAIN_HEAD: { getByName: () => ({ erase: async () => decided }) },
    DEAD_LETTERS: { getByName: () => ({ letters: async () => [], erase: async () => [] }) },
    R2: { delete: async (keys: string | string[]) => void deleted.push(...[keys].flat()) },
  };
  await erase(TX_ID, { by: "ann", reason: "request 12" }, env as unknown as Env, SILENT);
  return deleted;
}

describe("erasing", () => {
  it("leaves the pending object alone of what was not paid in time: once it is there, it has been paid meanwhile", async () => {
    expect(await deletedWhen({ may: "expired" })).toEqual([r2Keys.intent(TX_ID)]);
  });

  it("deletes what no block takes wherever it may wait", async () => {
    expect(await deletedWhen({ may: "withdrawn" })).toEqual([
      r2Keys.pending(TX_ID),
      r2Keys.setAside(TX_ID),
      r2Keys.intent(TX_ID),
    ]);
  });
});
