import { mutation } from "./mutation.ts";
import { overriding } from "./overriding.ts";

/** Break the chain head's decisions, its memory and its messages. */
export const CHAIN_HEAD_MUTATIONS = [
  mutation({
    name: "forget-who-was-admitted",
    breaks: "2 nothing is mined twice",
    seed: 1,
    file: "workers/chain-head/decisions/progress.ts",
    seam: "cleaned",
    mutate: (cleaned) => (sql, report, now) => {
      const answer = cleaned(sql, report, now);
      sql.exec("DELETE FROM tx WHERE block = ?", report.blockNumber);
      return answer;
    },
  }),
  mutation({
    name: "seal-twice",
    breaks: "3 one block per height",
    seed: 30,
    isRare: true,
    file: "workers/chain-head/reads/blocks.ts",
    seam: "isSealed",
    mutate:
      (isSealed) =>
      (block): block is Parameters<typeof isSealed>[0] & { hash: string; sha256: string } =>
        isSealed(block) && block.state === "complete",
  }),
  mutation({
    name: "latest-before-persisted",
    breaks: "5 latest names what is stored",
    seed: 1,
    file: "workers/chain-head/reads/blocks.ts",
    seam: "latestThatIsPersisted",
    mutate: (latestThatIsPersisted) => (sql) => {
      const [next] = sql
        .exec<{ state: string }>(
          "SELECT state FROM block WHERE state IN ('reserved', 'sealed') ORDER BY number LIMIT 1",
        )
        .toArray();
      if (next?.state !== "sealed") return latestThatIsPersisted(sql);
      const [last] = sql.exec<{ number: number }>("SELECT max(number) AS number FROM block").toArray();
      return last?.number ?? -1;
    },
  }),
  mutation({
    name: "latest-out-of-order",
    breaks: "5 latest never goes back",
    seed: 3,
    inEveryRun: true,
    file: "workers/chain-head/decisions/progress.ts",
    seam: "persisted",
    mutate: async (persisted) => {
      const { findBlock } = await import("../../../workers/chain-head/reads/blocks.ts");
      const { setValue } = await import("../../../workers/chain-head/storage/key-values.ts");
      return (sql, report, now) => {
        const isFirst = findBlock(sql, report.blockNumber)?.state === "sealed";
        const answer = persisted(sql, report, now);
        if (isFirst) setValue(sql, "latest", report.blockNumber);
        return answer;
      };
    },
  }),
  mutation({
    name: "publish-over-a-write-in-doubt",
    breaks: "5 latest never goes back",
    seed: 35,
    file: "workers/chain-head/outbox/latest-write.ts",
    seam: "publishableFrom",
    mutate: () => () => 0,
  }),
  mutation({
    name: "no-watchdog",
    breaks: "everything comes to rest",
    seed: 1,
    file: "workers/chain-head/outbox/alarm.ts",
    seam: "workOutbox",
    mutate:
      (workOutbox) =>
      (sql, env, ...given) => {
        const silent = { send: async () => {} };
        const stageQueues = {
          TIER_PERSISTER_QUEUE: overriding(env.TIER_PERSISTER_QUEUE, silent),
          INDEXER_QUEUE: overriding(env.INDEXER_QUEUE, silent),
          PENDING_CLEANER_QUEUE: overriding(env.PENDING_CLEANER_QUEUE, silent),
        };
        return workOutbox(sql, overriding(env, stageQueues), ...given);
      },
  }),
  mutation({
    name: "no-wake",
    breaks: "everything comes to rest",
    seed: 1,
    file: "shared/durable-object/alarm.ts",
    seam: "setAlarmNoLaterThan",
    mutate: (setAlarmNoLaterThan) => async (storage, time) => {
      const set = await storage.getAlarm();
      if (set === null && time !== undefined && time > Date.now()) await setAlarmNoLaterThan(storage, time);
    },
  }),
  mutation({
    name: "no-claim-of-payments",
    breaks: "a payment is mined in its turn",
    seed: 5993,
    file: "shared/chain/rules.ts",
    seam: "nextTransactions",
    mutate: (nextTransactions) => (blockNumber, _, all, limits) =>
      nextTransactions(blockNumber, [], all, limits),
  }),
  mutation({
    name: "expire-what-is-paid",
    breaks: "1 nothing is lost",
    seed: 12,
    inEveryRun: true,
    file: "workers/chain-head/storage/schema.ts",
    seam: "UNPAID_INTENT",
    mutate: () => "received_at IS NOT NULL AND expired_at IS NULL",
  }),
  mutation({
    name: "release-what-is-unpaid",
    breaks: "nothing is mined unpaid",
    seed: 13,
    file: "workers/chain-head/storage/schema.ts",
    seam: "UNRELEASED_INTENT",
    mutate: () => "received_at IS NOT NULL AND admitted = 0",
  }),
];
