import type { Plan } from "../../../shared/api/plan.ts";
import { countRequest } from "../../../shared/http/rate-limit.ts";
import type { Log } from "../../../shared/runtime/log.ts";
import type { RateLimitName } from "../../../shared/pipeline.ts";
import type { Env } from "../env.ts";

type Asking = { readonly request: Request; readonly env: Env; readonly log: Log };

/**
 * Counts a public write before its body is read, so that a refused one costs nothing. An upload has its own limit.
 * @throws Problem "rate-limited"
 */
export function countWrite(asking: Asking, { upload }: Plan): Promise<void> {
  return count(upload === true ? "PUBLIC_UPLOADS" : "PUBLIC_WRITES", asking);
}

/**
 * Counts a public read that KV can't answer, before it asks the chain head, which all callers share. The plan of such a read says
 * `beyondKv`.
 * @throws Problem "rate-limited"
 */
export function countReadBeyondKv(asking: Asking): Promise<void> {
  return count("UNKNOWN_READS", asking);
}

async function count(limit: RateLimitName & keyof Env, { request, env, log }: Asking): Promise<void> {
  const address = request.headers.get("cf-connecting-ip"); // Cloudflare sets it, whatever the client sent
  if (address === null) return;
  const counted = { limit, limiter: env[limit], key: clientOf(address), of: "address" } as const;
  await countRequest(counted, env.RATE_LIMITING, log);
}

/** Returns the client of an address. For IPv6 that is its /64, because one customer has all its addresses. RFC 4291 §2.2 */
export function clientOf(address: string): string {
  if (!address.includes(":")) return address;
  const [, embedded] = /:(\d+\.\d+\.\d+\.\d+)$/.exec(address) ?? [];
  if (embedded !== undefined) return embedded; // ::ffff:192.0.2.1
  const [before = [], after = []] = address.split("::").map((half) => (half === "" ? [] : half.split(":")));
  const zeros = Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => "0");
  const network = [...before, ...zeros, ...after].slice(0, 4);
  return `${network.map((group) => group.toLowerCase().replace(/^0+(?=.)/, "")).join(":")}::/64`;
}
