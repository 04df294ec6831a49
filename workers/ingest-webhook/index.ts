import { answer, json } from "../../shared/http/answer.ts";
import { logger } from "../../shared/log.ts";
import { settingsOf, type Env } from "./env.ts";
import { ingest } from "./ingest.ts";

/** Reached through the gateway's service binding only: POST is a delivery, GET says whether the configuration is whole. */
export default {
  fetch: (request, env) =>
    answer(request, logger("ingest-webhook"), async (_, log) => {
      if (request.method === "POST") return ingest(request, env, log);
      const { encryptionKey } = await settingsOf(env);
      return json({ ready: true, encryptionKeyId: encryptionKey.kid });
    }),
} satisfies ExportedHandler<Env>;
