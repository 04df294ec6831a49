import { logHead } from "../../shared/objects/log-head.ts";
import type { Log } from "../../shared/runtime/log.ts";
import { r2Keys } from "../../shared/storage/layout.ts";
import { settleConnections } from "../../shared/storage/limits.ts";
import type { NoteSignature } from "../../shared/tlog/note.ts";
import { parsePolicy, type TlogPolicy } from "../../shared/tlog/policy.ts";
import { TileTree } from "../../shared/tlog/tile-tree.ts";
import { cosign, witnessSites, type WitnessSite } from "../../shared/witness/client.ts";
import { secondsOf, type Env } from "./env.ts";
import { storedTiles } from "./grow-log.ts";
import type { LogName, WitnessState } from "./log-head/cosignatures.ts";
import type { CheckpointPair } from "./log-head/schema.ts";

/** A witness that has cosigned the newest checkpoint is asked again after an hour: its cosignature shows that the log is alive. */
const IDLE_MS = 3_600_000;

/** @throws InvalidLog("malformed_policy") that names the line; `undefined` when no witness is set */
export function witnessPolicy({ WITNESS_POLICY: text }: Env): TlogPolicy | undefined {
  return text.trim() === "" ? undefined : parsePolicy(text);
}

interface Request {
  readonly site: WitnessSite;
  readonly log: LogName;
  readonly note: string;
  readonly size: number;
  /** Size that the witness cosigned last. */
  readonly oldSize: number;
}

/**
 * Asks every witness of the policy to cosign the newest checkpoint of both logs. The checkpoint is published before, so a late
 * witness holds up nothing: its cosignature is added when it comes.
 */
export async function askWitnesses(env: Env, log: Log): Promise<void> {
  const policy = witnessPolicy(env);
  if (policy === undefined) return;
  const { shown, witnesses } = await logHead(env).facts();
  if (shown === null) return;
  const requests = witnessSites(policy).flatMap((site) => requestsTo(site, shown, witnesses, Date.now()));
  if (requests.length === 0 || !(await beginRound(env))) return;
  const answers = await settleConnections(requests, (request) => ask(request, env, log));
  const cosigned = answers.flatMap((answer) =>
    answer.status === "fulfilled" && answer.value !== undefined ? [answer.value] : [],
  );
  const linesOf = (name: LogName) =>
    cosigned.flatMap(({ state, lines }) => (state.log === name ? lines : []));
  await logHead(env).addCosignatures({
    size: shown.size,
    blocks: linesOf("blocks"),
    transactions: linesOf("transactions"),
    witnesses: cosigned.map(({ state }) => state),
  });
  for (const answer of answers) if (answer.status === "rejected") throw answer.reason;
}

/** A cron may come twice in a minute, or early: a margin lets the next one begin its round. */
const EARLY_MS = 5_000;

function beginRound(env: Env): Promise<boolean> {
  const pauseMs = secondsOf(env, "WITNESS_EVERY_SECONDS") * 1_000;
  return logHead(env).beginRound(env.WITNESS_POLICY, Math.max(0, pauseMs - EARLY_MS));
}

function requestsTo(
  site: WitnessSite,
  shown: CheckpointPair,
  witnesses: readonly WitnessState[],
  now: number,
): Request[] {
  const logs = [
    { log: "blocks", note: shown.blocks, size: shown.size },
    { log: "transactions", note: shown.transactions, size: shown.entries },
  ] as const;
  return logs.flatMap((of) => {
    const last = witnesses.find(({ url, log }) => url === site.url && log === of.log);
    const isDone = last !== undefined && last.size >= of.size && now - last.at < IDLE_MS;
    return isDone ? [] : [{ site, ...of, oldSize: last?.size ?? 0 }];
  });
}

async function ask(
  { site, log: name, note, size, oldSize }: Request,
  { R2 }: Env,
  log: Log,
): Promise<{ readonly state: WitnessState; readonly lines: readonly NoteSignature[] } | undefined> {
  const prefix = name === "blocks" ? r2Keys.logPrefix : r2Keys.transactionLogPrefix;
  const tree = new TileTree(size, storedTiles(R2, prefix));
  const answer = await cosign(site, note, {
    oldSize,
    proofFrom: (from) => tree.consistencyProof(from),
    fetch: (url, request) => fetch(url, request),
  });
  if (answer.kind === "cosigned")
    return { state: { url: site.url, log: name, size: answer.size, at: Date.now() }, lines: answer.lines };
  // A witness that knows another history of the log is the operator's business at once; the alert says when it stays away.
  const level = answer.kind === "refused" && answer.status === 422 ? "error" : "warn";
  log[level]("witness.failed", { ...answer, url: site.url, log: name });
  return undefined;
}
