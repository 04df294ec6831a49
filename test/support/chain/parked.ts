import type { StageName } from "../../../shared/pipeline.ts";
import { r2Keys } from "../../../shared/storage/layout.ts";
import type { ParkedMessage } from "../../../workers/dead-letters/entries/record.ts";
import { keysOf } from "./chain-state.ts";
import type { Pipeline } from "../stack/pipeline.ts";

/** Returns the dead letters of a stage, as R2 holds them. */
export async function parked(pipeline: Pipeline, stage: StageName): Promise<ParkedMessage[]> {
  const keys = await keysOf(pipeline, `${r2Keys.deadLetterPrefix}${stage}/`);
  return Promise.all(
    keys.map(async (key) => {
      const object = await pipeline.r2.get(key);
      if (object === null) throw new Error(`${key} is gone`);
      return object.json<ParkedMessage>();
    }),
  );
}
