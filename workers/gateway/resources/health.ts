import { audit } from "../../../shared/objects/audit-log.ts";
import { intakeBacklog } from "../../../shared/queue/backlog.ts";
import { chainHead } from "../../../shared/objects/chain-head.ts";
import { deadLetters } from "../../../shared/objects/dead-letters.ts";
import { withDeadline } from "../../../shared/runtime/deadline.ts";
import { haltedText } from "../../../shared/api/halted-text.ts";
import { json } from "../../../shared/http/answer.ts";
import type { RpcResult } from "../../../shared/http/rpc-result.ts";
import { errorText } from "../../../shared/runtime/log.ts";
import { monitor } from "../../../shared/objects/monitor.ts";
import { IPFS_GATEWAY_UNSET } from "../../../shared/storage/ipfs-tier.ts";
import { kvKeys, r2Keys } from "../../../shared/storage/layout.ts";
import type { StatusFacts } from "../../chain-head/reads/status.ts";
import { operation, type Call } from "../http/operation.ts";
import { countReadBeyondKv } from "../http/rate-limit.ts";
import * as api from "../../../shared/api/health.ts";

export const health = operation(api.health, async () => json({ status: "ok" } satisfies api.Health));

/** Time without a report after which the miner does not run, or can't use its keyring. It reports every minute. */
const MINER_SILENT_AFTER_MS = 10 * 60_000;

export const ready = operation(api.ready, async (call) => {
  await countReadBeyondKv(call);
  const { env } = call;
  const [kv, r2, ingest, accounts, chain, auditLog, letters, counts, storage] = await Promise.all([
    check(call, "kv", () => env.KV.get(kvKeys.latest)),
    check(call, "r2", () => env.R2.head(r2Keys.block(0))),
    checkIngest(call),
    checkAccounts(call),
    checkChain(call),
    check(call, "audit-log", () => audit(env).page({ from: undefined, limit: 1, newest: true })),
    check(call, "dead-letters", () => deadLetters(env).counts()),
    check(call, "monitor", () => monitor(env).alertStates()),
    check(call, "storage-verifier", () => env.STORAGE_VERIFIER.summary()),
  ]);
  const checks = {
    kv,
    r2,
    ingest: ingest.check,
    accounts: accounts.check,
    chain: chain.check,
    keys: checkKeys(
      { "ingest-webhook": ingest.encryptionKeyId, accounts: accounts.encryptionKeyId },
      chain.status,
    ),
    audit: auditLog,
    dead_letters: letters,
    monitor: counts,
    storage,
    ipfs_gateway: checkGatewayUrl(call),
  };
  const isReady = Object.values(checks).every(({ ok }) => ok);
  return json(
    { ready: isReady, checks, oldestUnfinishedSeconds: chain.oldestSeconds } satisfies api.Readiness,
    { status: isReady ? 200 : 503, headers: isReady ? {} : { "retry-after": "10" } },
  );
});

function checkGatewayUrl({ env }: Call): api.Check {
  return URL.canParse(env.IPFS_GATEWAY_URL) ? { ok: true } : { ok: false, detail: IPFS_GATEWAY_UNSET };
}

const PROBE_DEADLINE_MS = 5_000; // a binding that hangs is not ready

async function check({ log }: Call, binding: string, probe: () => Promise<unknown>): Promise<api.Check> {
  try {
    await withDeadline(PROBE_DEADLINE_MS, binding, probe);
    return { ok: true };
  } catch (error) {
    log.error("ready.failed", { binding, error: errorText(error) });
    return { ok: false, detail: `${binding} does not answer; its error is in the log of this request` };
  }
}

/** Check of a Worker that seals its input, with the id of the key to which it seals. */
interface SealingCheck {
  readonly check: api.Check;
  readonly encryptionKeyId?: string;
}

async function checkIngest(call: Call): Promise<SealingCheck> {
  let answer: { detail?: string; encryptionKeyId?: string } = {};
  const reached = await check(call, "ingest-webhook", async () => {
    answer = await (await call.env.INGEST_WEBHOOK.fetch("https://ingest-webhook/")).json();
  });
  const { encryptionKeyId, detail } = answer;
  if (!reached.ok) return { check: reached };
  if (encryptionKeyId === undefined)
    return { check: { ok: false, detail: detail ?? "ingest-webhook is not ready" } };
  return { check: await checkIntake(call), encryptionKeyId };
}

/** Checks `accounts`. If its settings are incomplete, it can't take users' submissions. */
async function checkAccounts(call: Call): Promise<SealingCheck> {
  let answer: RpcResult<{ encryptionKeyId: string }> | undefined;
  const reached = await check(call, "accounts", async () => {
    answer = await call.env.ACCOUNTS.ready();
  });
  if (answer === undefined) return { check: reached };
  if ("refused" in answer) return { check: { ok: false, detail: answer.refused.detail } };
  return { check: reached, encryptionKeyId: answer.done.encryptionKeyId };
}

/**
 * Checks for payments that were accepted but that pending-writer has not taken from its queue: the chain head does not know them.
 */
async function checkIntake(call: Call): Promise<api.Check> {
  let oldestAt: number | null = null;
  const measured = await check(call, "pending-writer's queue", async () => {
    ({ oldestAt } = await intakeBacklog(call.env));
  });
  const age = Math.floor((Date.now() - (oldestAt ?? Infinity)) / 1_000);
  if (!measured.ok || !(age > Number(call.env.READY_MAX_AGE_SECONDS))) return measured;
  return {
    ok: false,
    detail: `payments have waited in the queue for ${age} seconds: pending-writer does not take them, see its log`,
  };
}

async function checkChain(
  call: Call,
): Promise<{ check: api.Check; oldestSeconds: number | null; status?: StatusFacts }> {
  let status: StatusFacts | undefined;
  const reached = await check(call, "chain-head", async () => {
    status = await chainHead(call.env).status();
  });
  if (status === undefined) return { check: reached, oldestSeconds: null };
  const { halted } = status;
  const oldest = owed(status).toSorted((a, b) => a.since - b.since)[0];
  const age = Math.floor((Date.now() - (oldest?.since ?? Infinity)) / 1_000);
  const oldestSeconds = age >= 0 ? age : null;
  if (halted) return { check: { ok: false, detail: haltedText(halted) }, oldestSeconds, status };
  const limit = Number(call.env.READY_MAX_AGE_SECONDS);
  if (!(limit > 0))
    return {
      check: { ok: false, detail: "READY_MAX_AGE_SECONDS must be a number above 0" },
      oldestSeconds,
      status,
    };
  if (oldestSeconds === null || oldestSeconds <= limit) return { check: { ok: true }, oldestSeconds, status };
  return { check: { ok: false, ...(oldest && { detail: oldest.detail }) }, oldestSeconds, status };
}

/** Lists all work that has a due time, each with the text for when it is late. */
function owed({ unfinished, miningOwedSince, releaseOwedSince }: StatusFacts) {
  const blocks = unfinished.map(({ blockNumber, state, stage, times }) => ({
    since: times.reserved,
    detail: `block ${blockNumber} has been ${state} for too long: ${stage} does not finish it, see its log`,
  }));
  const others = [
    {
      since: miningOwedSince,
      detail: "transactions should have been mined by now, but the miner makes no block: see its log",
    },
    {
      since: releaseOwedSince,
      detail:
        "a submission that is paid should be pending by now, but it is not released: see the log of accounts",
    },
  ];
  return [...blocks, ...others.flatMap(({ since, detail }) => (since === null ? [] : [{ since, detail }]))];
}

/**
 * Checks that the miner holds the keys to which payments and submissions are sealed, and that its signing key is not retired.
 * Before the miner's first report this is unknown and counts as fine.
 */
function checkKeys(
  sealedTo: Readonly<Record<string, string | undefined>>,
  status: StatusFacts | undefined,
): api.Check {
  const { minerKeys = null } = status ?? {};
  if (minerKeys === null) return { ok: true };
  const [unopened] =
    Object.entries(sealedTo).find(([, keyId]) => keyId !== undefined && !minerKeys.keyIds.includes(keyId)) ??
    [];
  if (unopened !== undefined)
    return {
      ok: false,
      detail: `SYSTEM_ENCRYPTION_PUBLIC_KEY of ${unopened} matches no key in the miner's SYSTEM_KEYRING, so what it takes can't be opened: give the miner a keyring that has the key`,
    };
  if (minerKeys.isRetired)
    return {
      ok: false,
      detail:
        "the active signing key of the miner's SYSTEM_KEYRING is retired, so it makes no block: give it the keyring that was made last",
    };
  if (Date.now() - minerKeys.at > MINER_SILENT_AFTER_MS)
    return {
      ok: false,
      detail:
        "the miner has not reported for minutes: its cron does not run, or its keyring is broken; see its log",
    };
  return { ok: true };
}
