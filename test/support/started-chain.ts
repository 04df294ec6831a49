import { mine, untilIdle } from "./payments.ts";
import { startPipeline, type Pipeline, type PipelineOptions } from "./pipeline.ts";
import { submit } from "./sealed-payments.ts";

/** A pipeline whose chain has genesis and one block with a payment, so that a test deals with its own block only. */
export async function startChain(options?: PipelineOptions): Promise<Pipeline> {
  const pipeline = await startPipeline(options);
  await submit(pipeline);
  await mine(pipeline);
  return pipeline;
}

/** A started chain whose watchdog acts after a second, and that asks for a block when three payments wait. */
export function startWatchedChain(): Promise<Pipeline> {
  return startChain({ vars: { STALL_AFTER_SECONDS: "1", MINE_AT_COUNT: "3" } });
}

/** Ends the faults of the test before, and waits until the Workers have finished its blocks. */
export async function calmDown(pipeline: Pipeline): Promise<void> {
  pipeline.pinning.clearFaults();
  await untilIdle(pipeline);
}
