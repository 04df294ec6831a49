import { Problem } from "../../shared/http/problems.ts";
import { errorText, type Log } from "../../shared/log.ts";
import type { RateLimitName } from "../../shared/pipeline.ts";
import type { Env } from "./env.ts";
import type { Plan } from "./operation.ts";

type Asking = { readonly request: Request; readonly env: Env; readonly log: Log };

/** What anyone may have written. HEAD reads. Stripe's deliveries and operators' calls are never limited. */
export function isPublicWrite(method: string, { who }: Plan): boolean {
  return who === "anyone" && !["GET", "HEAD"].includes(method);
}

/**
 * Counts a public write. Before its body is read: what is refused costs nothing.
 * @throws Problem "rate-limited"
 */
export function countWrite(asking: Asking): Promise<void> {
  return count("PUBLIC_WRITES", asking);
}

/**
 * Counts a public read that KV can't answer, before it asks the chain head, which everybody shares. Its plan says
 * `beyondKv`.
 * @throws Problem "rate-limited"
 */
export function countReadBeyondKv(asking: Asking): Promise<void> {
  return count("UNKNOWN_READS", asking);
}

const RETRY_AFTER = { "retry-after": "60" }; // the period of the limits

async function count(name: RateLimitName, { request, env, log }: Asking): Promise<void> {
  if (env.RATE_LIMITING === "off") return; // anything else, a misspelt "Off" too, limits
  const address = request.headers.get("cf-connecting-ip"); // set by Cloudflare, whatever the client sent
  if (address === null || (await allows(name, clientOf(address), env, log))) return;
  log.warn("rate.limited", { limit: name }); // without the address, which is personal
  throw new Problem(
    "rate-limited",
    "Too many requests came from this address within a minute. Nothing was done; wait a minute.",
    { headers: RETRY_AFTER },
  );
}

/** A limiter that fails lets everybody through: it guards against abuse, and must not be the failure itself. */
async function allows(name: RateLimitName, key: string, env: Env, log: Log): Promise<boolean> {
  try {
    return (await env[name].limit({ key })).success;
  } catch (error) {
    log.error("rate.limiter_failed", { limit: name, error: errorText(error) });
    return true;
  }
}

/** Whom an address stands for: of IPv6 its /64, for one customer has all addresses of it. RFC 4291 §2.2 */
export function clientOf(address: string): string {
  if (!address.includes(":")) return address;
  const [, embedded] = /:(\d+\.\d+\.\d+\.\d+)$/.exec(address) ?? [];
  if (embedded !== undefined) return embedded; // ::ffff:192.0.2.1
  const [before = [], after = []] = address.split("::").map((half) => (half === "" ? [] : half.split(":")));
  const zeros = Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => "0");
  const network = [...before, ...zeros, ...after].slice(0, 4);
  return `${network.map((group) => group.toLowerCase().replace(/^0+(?=.)/, "")).join(":")}::/64`;
}
