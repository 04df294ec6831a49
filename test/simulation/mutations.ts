import { ACCOUNT_MUTATIONS } from "./mutations-of-accounts.ts";

/** A promise broken on purpose, in one place. The simulation has to find each of them, or it proves nothing. */
export interface Mutation {
  readonly name: string;
  /** Which promise of DESIGN §1 it breaks, as the violations name it. */
  readonly breaks: string;
  /** The seed that found it last: where a test begins to look. */
  readonly seed: number;
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

export const MUTATIONS: readonly Mutation[] = [
  {
    name: "ack-what-failed",
    breaks: "1 nothing is lost",
    seed: 6,
    file: "shared/consume.ts",
    from: `message.retry({ delaySeconds });\n    return "retried";`,
    to: `message.ack();\n    return "retried";`,
  },
  {
    name: "answer-before-enqueued",
    breaks: "1 nothing is lost",
    seed: 7,
    file: "workers/ingest-webhook/ingest.ts",
    from: `throw new Problem(\n      "queue-unavailable"`,
    to: `if (env === undefined) throw new Problem(\n      "queue-unavailable"`,
  },
  {
    name: "forget-a-dead-letter",
    breaks: "1 nothing is lost",
    seed: 41,
    file: "workers/dead-letters/park.ts",
    from: `const parked = await store(env.R2, {`,
    to: `const parked = await (async (_: unknown, parked: ParkedMessage) => parked)(env.R2, {`,
  },
  {
    name: "forget-who-was-admitted",
    breaks: "2 nothing is mined twice",
    seed: 2,
    file: "workers/chain-head/progress.ts",
    from: `addTo(sql, "pending", -block.transactions);`,
    to: `addTo(sql, "pending", -block.transactions);\n  sql.exec("DELETE FROM tx WHERE block = ?", blockNumber);`,
  },
  {
    name: "seal-twice",
    breaks: "3 one block per height",
    seed: 30,
    file: "workers/chain-head/seal.ts",
    from: `if (block.hash !== null && block.sha256 !== null)`,
    to: `if (block.state === "complete" && block.hash !== null && block.sha256 !== null)`,
  },
  {
    name: "seal-before-durable",
    breaks: "everything comes to rest",
    seed: 11,
    file: "workers/miner/build-and-seal.ts",
    from: `await createOnly(env.R2, r2Keys.sealed(blockNumber, sha256), bytes);`,
    to: `await createOnly(env.R2, r2Keys.sealed(blockNumber, sha256), bytes).catch(() => {});`,
  },
  {
    name: "clear-all-that-is-pending",
    breaks: "4 persist first, clear last",
    seed: 1,
    file: "workers/pending-cleaner/clean.ts",
    from: `ids.map((txId) => r2Keys.pending(txId))`,
    to: `ids.length === 0 ? [] : (await env.R2.list({ prefix: r2Keys.pendingPrefix })).objects.map(({ key }) => key)`,
  },
  {
    name: "clear-what-is-only-known",
    breaks: "4 persist first, clear last",
    seed: 1,
    file: "workers/pending-writer/write-pending.ts",
    from: `if (result === "finished")`,
    to: `if (result !== "admitted")`,
  },
  {
    name: "latest-before-persisted",
    breaks: "5 latest names what is stored",
    seed: 1,
    file: "workers/chain-head/progress.ts",
    from: `return (next?.number ?? (lastBlock(sql)?.number ?? -1) + 1) - 1;`,
    to: `return next === undefined || next.state === "sealed" ? (lastBlock(sql)?.number ?? -1) : next.number - 1;`,
  },
  {
    name: "latest-out-of-order",
    breaks: "5 latest never goes back",
    seed: 3,
    file: "workers/chain-head/progress.ts",
    from: `  moveLatest(sql);`,
    to: `  writeFact(sql, "latest", report.blockNumber);`,
  },
  {
    name: "believe-the-pinning-service",
    breaks: "5 latest names what is stored",
    seed: 9,
    file: "shared/storage/ipfs-tier.ts",
    from: `if (!(await gateway.serves(cid, bytes)))`,
    to: `if (bytes.length === 0)`,
  },
  {
    name: "take-any-page-for-the-bytes",
    breaks: "5 latest names what is stored",
    seed: 9,
    file: "shared/storage/ipfs-tier.ts",
    from: `if (await isStreamOf(response.body, bytes)) return true;`,
    to: `if (response.ok && bytes.length > 0) return true;`,
  },
  {
    name: "read-error-is-empty",
    breaks: "7 a read error is never empty",
    seed: 7,
    file: "shared/storage/r2-tier.ts",
    from: `const object = await bucket.get(key);\n  return object === null`,
    to: `const object = await bucket.get(key).catch(() => null);\n  return object === null`,
  },
  {
    name: "seal-in-clear",
    breaks: "8 nothing personal in public",
    seed: 1,
    file: "workers/ingest-webhook/ingest.ts",
    from: `envelope: await settings.encryptionKey.seal(txId, canonicalBytes(payload)),`,
    to: `envelope: { ...(await settings.encryptionKey.seal(txId, canonicalBytes(payload))), ct: Buffer.from(canonicalBytes(payload)).toString("base64url") },`,
  },
  {
    name: "no-watchdog",
    breaks: "everything comes to rest",
    seed: 2,
    file: "workers/chain-head/alarm.ts",
    from: `await nudgeStage(duty.stage, duty.blockNumber, env);`,
    to: ``,
  },
  {
    name: "no-wake",
    breaks: "everything comes to rest",
    seed: 1,
    file: "shared/wake.ts",
    from: `if (set === null || time < set)`,
    to: `if (set === null && time > Date.now())`,
  },
  {
    name: "index-halfway",
    breaks: "the index is true",
    seed: 5,
    file: "workers/indexer/index-block.ts",
    from: `env.KV.put(key, value));`,
    to: `env.KV.put(key, value).catch(() => {}));`,
  },
  {
    name: "clear-before-archived",
    breaks: "4 persist first, clear last",
    seed: 5,
    file: "workers/pending-cleaner/clean.ts",
    from: `await archivePrivateParts(blockNumber, txIds, env, log);`,
    to: `await archivePrivateParts(blockNumber, txIds, env, log).catch(() => {});`,
  },
  {
    name: "trust-a-copy-that-is-there",
    breaks: "6 nothing fake",
    seed: 3,
    file: "workers/storage-verifier/inspect.ts",
    from: `if (copy === undefined)\n    return { ...without(verdict`,
    to: `if (copy === undefined && bytes === undefined)\n    return { ...without(verdict`,
  },
  {
    name: "restore-without-transactions",
    breaks: "2 nothing is mined twice",
    seed: 7,
    file: "workers/storage-verifier/restored-block.ts",
    from: `transactions: fromOutside(block, own),`,
    to: `transactions: fromOutside(block, own).slice(1),`,
  },
  {
    name: "publish-over-a-write-in-doubt",
    breaks: "5 latest never goes back",
    seed: 11,
    file: "workers/chain-head/latest-write.ts",
    from: `write === undefined || write.blockNumber === blockNumber ? 0`,
    to: `write === undefined || blockNumber >= 0 ? 0`,
  },
  ...ACCOUNT_MUTATIONS,
];

/** @throws Error for a name that is none */
export function mutationNamed(name: string): Mutation {
  const mutation = MUTATIONS.find((one) => one.name === name);
  if (mutation === undefined)
    throw new Error(`no mutation ${name}: one of ${MUTATIONS.map((one) => one.name).join(", ")}`);
  return mutation;
}

/** @throws Error unless the text to replace is there exactly once: the code has changed, so the mutation has to */
export function mutated(source: string, { name, file, from, to }: Mutation): string {
  const parts = source.split(from);
  if (parts.length !== 2)
    throw new Error(`mutation ${name}: ${file} has ${parts.length - 1} times what it replaces: ${from}`);
  return parts.join(to);
}
