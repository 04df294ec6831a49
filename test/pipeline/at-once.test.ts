import { afterAll, beforeAll, expect, it } from "vitest";
import { checkChain, expectMined } from "../support/chain/check-chain.ts";
import { mine, pay } from "../support/payments/payments.ts";
import { startPipeline, type Pipeline } from "../support/stack/pipeline.ts";

let pipeline: Pipeline;
beforeAll(async () => {
  pipeline = await startPipeline();
});
afterAll(() => pipeline.close());

it("mines a payment that was taken a moment ago, when the operator can wait", async () => {
  const txId = await pay(pipeline);
  expect(await mine(pipeline)).toMatchObject({ blockNumber: 1, transactions: 1 });
  expectMined(await checkChain(pipeline), [txId]);
});
