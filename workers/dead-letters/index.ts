import { errorText, logger } from "../../shared/log.ts";
import { stageOfDeadLetterQueue } from "../../shared/pipeline.ts";
import { park } from "./park.ts";

export interface Env {
  readonly R2: R2Bucket;
}

/** The end of the line: nothing is acked before it is in R2, and nothing is ever given up. */
export default {
  async queue(batch, env) {
    const log = logger("dead-letters", { queue: batch.queue });
    for (const message of batch.messages) {
      try {
        const stage = stageOfDeadLetterQueue(batch.queue);
        if (stage === undefined) throw new Error(`${batch.queue} is not a dead-letter queue of the pipeline`);
        const { body, attempts, timestamp } = message;
        const id = await park(env.R2, { stage, body, attempts, at: timestamp.getTime() });
        log.warn("dead_letter.parked", { stage, id, requestId: message.id });
        message.ack();
      } catch (error) {
        log.error("dead_letter.not_parked", { requestId: message.id, error: errorText(error) });
        message.retry({ delaySeconds: Math.min(300, 5 * 2 ** Math.min(message.attempts, 6)) });
      }
    }
  },
} satisfies ExportedHandler<Env>;
