import { mine, untilIdle } from "../payments/payments.ts";
import { startPipeline, type Pipeline, type PipelineOptions } from "../stack/pipeline.ts";
import { submit } from "../payments/sealed-payments.ts";

/** Starts a pipeline whose chain has genesis and one block with a payment, so that a test sees only its own blocks. */
export async function startChain(options?: PipelineOptions): Promise<Pipeline> {
  const pipeline = await startPipeline(options);
  await submit(pipeline);
  await mine(pipeline);
  return pipeline;
}

/** Starts a chain that requeues stalled work after a second, and that mines when three transactions are pending. */
export function startWatchedChain(): Promise<Pipeline> {
  return startChain({ vars: { STALL_AFTER_SECONDS: "1", MINE_AT_COUNT: "3" } });
}

/** Ends the faults of the previous test, and waits until the Workers have finished its blocks. */
export async function calmDown(pipeline: Pipeline): Promise<void> {
  pipeline.pinning.clearFaults();
  await untilIdle(pipeline);
}
