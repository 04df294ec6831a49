import { expect } from "vitest";
import { blockRow, keysOf, latest } from "./chain-state.ts";
import { checkChain, expectMined, pendingKeys } from "./check-chain.ts";
import { until } from "../stack/patience.ts";
import { untilIdle } from "../payments/payments.ts";
import type { Pipeline } from "../stack/pipeline.ts";

/** Asks for a block as an operator does. Does not wait for the block. */
export function askForMining(pipeline: Pipeline): Promise<Response> {
  return pipeline.operate("/api/vdc/mine", { method: "POST" });
}

export async function nextBlockNumber(pipeline: Pipeline): Promise<number> {
  return (await checkChain(pipeline)).length;
}

/** Waits until the chain head reports this state of the block. */
export async function untilState(pipeline: Pipeline, blockNumber: number, state: string): Promise<void> {
  await until(async () => expect((await blockRow(pipeline, blockNumber))?.state).toBe(state));
}

/** Expects that this block with exactly these transactions becomes the end of the chain, without an operator's help. */
export async function expectFinished(
  pipeline: Pipeline,
  blockNumber: number,
  txIds: readonly string[],
): Promise<void> {
  await untilIdle(pipeline);
  await until(async () => expect((await latest(pipeline))?.blockNumber).toBe(blockNumber));
  expectMined((await checkChain(pipeline)).slice(blockNumber), txIds);
  expect(await pendingKeys(pipeline)).toEqual([]);
  expect(await keysOf(pipeline, "sealed/")).toEqual([]);
}
