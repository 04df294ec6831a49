import type { GenericSchema } from "valibot";
import type { StageEnv } from "../../../shared/queue/consume.ts";
import { mutation } from "./mutation.ts";
import { overriding } from "./overriding.ts";

const PENDING = "pending/";

/** Break the way from a delivered event to a complete block: the stages and their messages. */
export const PIPELINE_MUTATIONS = [
  mutation({
    name: "ack-what-failed",
    breaks: "1 nothing is lost",
    seed: 5,
    file: "shared/queue/consume.ts",
    seam: "consumeTogether",
    mutate:
      (consumeTogether) =>
      <Schema extends GenericSchema, Env extends StageEnv>(
        ...given: Parameters<typeof consumeTogether<Schema, Env>>
      ): ReturnType<typeof consumeTogether<Schema, Env>> => {
        const handle = consumeTogether<Schema, Env>(...given);
        return (batch, env, context) => {
          const messages = batch.messages.map((one) => overriding(one, { retry: () => one.ack() }));
          return handle(overriding(batch, { messages }), env, context);
        };
      },
  }),
  mutation({
    name: "answer-before-enqueued",
    breaks: "1 nothing is lost",
    seed: 5,
    file: "workers/ingest-webhook/ingest.ts",
    seam: "ingest",
    mutate: (ingest) => (request, env, log) => {
      const queue = env.PENDING_WRITER_QUEUE;
      const forgetful = overriding(queue, { send: (message) => queue.send(message).catch(() => {}) });
      return ingest(request, overriding(env, { PENDING_WRITER_QUEUE: forgetful }), log);
    },
  }),
  mutation({
    name: "seal-in-clear",
    breaks: "8 nothing personal in public",
    seed: 1,
    inEveryRun: true,
    file: "workers/ingest-webhook/env.ts",
    seam: "settingsOf",
    mutate: (settingsOf) => async (env) => {
      const settings = await settingsOf(env);
      const { encryptionKey } = settings;
      const seal: typeof encryptionKey.seal = async (txId, plaintext) => ({
        ...(await encryptionKey.seal(txId, plaintext)),
        ct: Buffer.from(plaintext).toString("base64url"),
      });
      return { ...settings, encryptionKey: overriding(encryptionKey, { seal }) };
    },
  }),
  mutation({
    name: "clear-what-is-only-known",
    breaks: "4 persist first, clear last",
    seed: 1,
    file: "workers/pending-writer/write-pending.ts",
    seam: "writePending",
    mutate: (writePending) => (messages, env, log) => {
      const getByName = (name: string) => {
        const head = env.CHAIN_HEAD.getByName(name);
        return overriding(head, {
          admit: async (entries: Parameters<typeof head.admit>[0]) => {
            const answer = await head.admit(entries);
            const results = answer.results.map((result) => (result === "admitted" ? result : "finished"));
            return { ...answer, results };
          },
        });
      };
      const CHAIN_HEAD = overriding(env.CHAIN_HEAD, { getByName });
      return writePending(messages, overriding(env, { CHAIN_HEAD }), log);
    },
  }),
  mutation({
    name: "forget-a-dead-letter",
    breaks: "1 nothing is lost",
    seed: 55,
    file: "workers/dead-letters/entries/park.ts",
    seam: "park",
    mutate: (park) => (dead, queue, env, log) =>
      park(dead, queue, overriding(env, { R2: overriding(env.R2, { put: async () => ({}) }) }), log),
  }),
  mutation({
    name: "judge-by-no-rule",
    breaks: "6 nothing fake",
    seed: 5,
    file: "workers/miner/apply-rules.ts",
    seam: "applyRules",
    mutate: (applyRules) => (blockNumber, transactions, ledger) => {
      const ruling = applyRules(blockNumber, transactions, ledger);
      return ruling && { ...ruling, kept: transactions, refused: [] };
    },
  }),
  mutation({
    name: "seal-before-durable",
    breaks: "everything comes to rest",
    seed: 5,
    file: "workers/miner/build-and-seal.ts",
    seam: "buildAndSeal",
    mutate: (buildAndSeal) => (reservation, keyring, env, log) => {
      const put: R2Bucket["put"] = (key: string, bytes: unknown, options?: R2PutOptions) =>
        env.R2.put(key, bytes as Uint8Array, options).catch(() => null) as Promise<R2Object>;
      return buildAndSeal(reservation, keyring, overriding(env, { R2: overriding(env.R2, { put }) }), log);
    },
  }),
  mutation({
    name: "index-halfway",
    breaks: "the index is true",
    seed: 1,
    file: "workers/indexer/index-block.ts",
    seam: "indexBlock",
    mutate: (indexBlock) => (message, env, log) => {
      const put = (key: string, value: unknown) => env.KV.put(key, value as string).catch(() => {});
      return indexBlock(message, overriding(env, { KV: overriding(env.KV, { put }) }), log);
    },
  }),
  mutation({
    name: "clear-all-that-is-pending",
    breaks: "4 persist first, clear last",
    seed: 1,
    inEveryRun: true,
    file: "workers/pending-cleaner/clean.ts",
    seam: "clean",
    mutate: (clean) => (message, env, log) => {
      const allPending = async () =>
        (await env.R2.list({ prefix: PENDING })).objects.map((object) => object.key);
      const remove = async (given: string | string[]) => {
        const keys = [given].flat();
        return env.R2.delete(keys[0]?.startsWith(PENDING) ? await allPending() : keys);
      };
      return clean(message, overriding(env, { R2: overriding(env.R2, { delete: remove }) }), log);
    },
  }),
  mutation({
    name: "clear-before-archived",
    breaks: "4 persist first, clear last",
    seed: 5,
    file: "workers/pending-cleaner/archive-private.ts",
    seam: "archivePrivateParts",
    mutate:
      (archivePrivateParts) =>
      (...given) =>
        archivePrivateParts(...given).catch(() => {}),
  }),
];
