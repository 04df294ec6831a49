import { BACKLOG_PATH, measureBacklog } from "../../shared/queue/backlog.ts";
import { answer, json } from "../../shared/http/answer.ts";
import { logger } from "../../shared/runtime/log.ts";
import { settingsOf, type Env } from "./env.ts";
import { ingest } from "./ingest.ts";

/**
 * Answers through service bindings only. POST delivers an event. GET answers whether the configuration is complete; GET
 * `/backlog` answers how many accepted transactions wait in the queue.
 */
export default {
  fetch: (request, env) =>
    answer(request, logger("ingest-webhook"), async (_, log) => {
      if (request.method === "POST") return ingest(request, env, log);
      if (new URL(request.url).pathname === BACKLOG_PATH)
        return json(await measureBacklog(env.PENDING_WRITER_QUEUE));
      const { encryptionKey } = await settingsOf(env);
      return json({ ready: true, encryptionKeyId: encryptionKey.kid });
    }),
} satisfies ExportedHandler<Env>;
