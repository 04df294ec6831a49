import { logHead } from "../../shared/objects/log-head.ts";
import { errorText, type Log } from "../../shared/runtime/log.ts";
import { r2Keys } from "../../shared/storage/layout.ts";
import { settleConnections } from "../../shared/storage/limits.ts";
import { createOnly, readObject } from "../../shared/storage/r2-tier.ts";
import { fetchTimestamp } from "../../shared/timestamp/fetch-timestamp.ts";
import { verifyTimestamp } from "../../shared/timestamp/verify-timestamp.ts";
import { secondsOf, type Env } from "./env.ts";
import type { Stamp } from "./log-head/stamps.ts";

const DEADLINE_MS = 10_000;
/** A stamp with a time further from ours shows a wrong clock, ours or the authority's. */
const CLOCKS_DIFFER_MS = 300_000;

/** A time-stamp authority: its address, and its name in R2's keys and in the URLs of the log. */
export interface Authority {
  readonly url: string;
  readonly name: string;
}

/** @throws Error that says what to do */
export function authoritiesOf({ TSA_URLS: urls, TSA_ISSUERS: issuers }: Env): readonly Authority[] {
  const authorities = urls
    .split(/[\s,]+/)
    .filter((url) => url !== "")
    .map((url) => {
      if (!/^https?:\/\//.test(url) || !URL.canParse(url))
        throw new Error(`TSA_URLS holds ${url.slice(0, 100)}, which is no http(s) URL`);
      return { url, name: new URL(url).host.replaceAll(/[^a-z0-9.-]/g, "-") };
    });
  if (authorities.length > 0 && issuers.trim() === "")
    throw new Error("TSA_ISSUERS is empty: it must hold the certificates of the authorities in TSA_URLS");
  return authorities;
}

/**
 * Has each authority stamp the newest checkpoint of the log of blocks, the object as R2 holds it. The stamp covers every block
 * before it too. An authority that fails does not stop the others; it is asked again a minute later.
 */
export async function stampCheckpoint(env: Env, log: Log): Promise<void> {
  const authorities = authoritiesOf(env);
  if (authorities.length === 0) return;
  const { shown, stamps } = await logHead(env).facts();
  if (shown === null) return;
  const due = authorities.filter(({ name }) =>
    isDue(
      stamps.find(({ authority }) => authority === name),
      shown.size,
      Date.now() - secondsOf(env, "TIMESTAMP_EVERY_SECONDS") * 1_000,
    ),
  );
  const outcomes = await settleConnections(due, (authority) => stampBy(authority, shown.size, env));
  for (const [i, outcome] of outcomes.entries()) {
    const authority = due[i]?.name;
    if (outcome.status === "rejected")
      log.warn("timestamp.failed", { authority, error: errorText(outcome.reason) });
    else log.info("timestamp.stored", { authority, blocks: shown.size });
  }
}

/** An authority stamps only when the log has grown, and no more often than the setting says. */
function isDue(last: Stamp | undefined, size: number, before: number): boolean {
  return last === undefined || (last.size < size && last.at <= before);
}

/** A stamp that an earlier run stored without noting it is verified again and noted. */
async function stampBy({ url, name }: Authority, size: number, env: Env): Promise<void> {
  const { R2, TSA_ISSUERS: issuers } = env;
  const data = await readObject(R2, r2Keys.logCheckpoint(r2Keys.logPrefix, size));
  if (data === undefined) throw new Error(`R2 has no checkpoint of ${size} blocks: verify the storage`);
  const key = r2Keys.timestamp(name, size);
  const stored = await readObject(R2, key);
  if (stored !== undefined) {
    const { time } = await verifyTimestamp({ response: stored, data, issuers });
    await logHead(env).stamped({ authority: name, size, at: time });
    return;
  }
  const nonce = crypto.getRandomValues(new Uint8Array(8));
  const { response, verified } = await fetchTimestamp(url, data, {
    issuers,
    nonce,
    deadlineMs: DEADLINE_MS,
    fetch: (...request) => fetch(...request),
  });
  if (Math.abs(verified.time - Date.now()) > CLOCKS_DIFFER_MS)
    throw new Error(`${name} stamped another time than now, so its stamp is not kept`);
  if (!(await createOnly(R2, key, response)))
    throw new Error(`${key} was written meanwhile: it is noted next`);
  await logHead(env).stamped({ authority: name, size, at: verified.time });
}
