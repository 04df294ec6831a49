import { countRequest } from "../../shared/http/rate-limit.ts";
import type { Log } from "../../shared/runtime/log.ts";
import type { Env } from "./env.ts";

/**
 * Counts a write against the limit of the key that signed it. The caller verifies the signature first: otherwise a stranger could
 * use up the limit of another user's key.
 * @throws Problem "rate-limited"
 */
export function countKeyWrite(keyId: string, env: Env, log: Log): Promise<void> {
  const { KEY_WRITES: limiter, RATE_LIMITING } = env;
  return countRequest({ limit: "KEY_WRITES", limiter, key: keyId, of: "signing key" }, RATE_LIMITING, log);
}

/**
 * Counts an upload against the limit of the key that signed it, under the same rule.
 * @throws Problem "rate-limited"
 */
export function countKeyUpload(keyId: string, env: Env, log: Log): Promise<void> {
  const { KEY_UPLOADS: limiter, RATE_LIMITING } = env;
  return countRequest({ limit: "KEY_UPLOADS", limiter, key: keyId, of: "signing key" }, RATE_LIMITING, log);
}
