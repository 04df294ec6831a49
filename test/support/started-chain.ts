import { mine } from "./payments.ts";
import { startPipeline, type Pipeline, type PipelineOptions } from "./pipeline.ts";
import { submit } from "./sealed-payments.ts";

/** A pipeline whose chain has genesis and one block with a payment, so that a test deals with its own block only. */
export async function startChain(options?: PipelineOptions): Promise<Pipeline> {
  const pipeline = await startPipeline(options);
  await submit(pipeline);
  await mine(pipeline);
  return pipeline;
}
