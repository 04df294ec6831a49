import { expect } from "vitest";
import { syntheticCheckout } from "../../../cli/local/stripe/synthetic.ts";
import { workerName } from "../../../shared/pipeline.ts";
import type { StorageRun } from "../../../shared/api/storage-report.ts";
import { TIER_NAMES, type TierName } from "../../../shared/storage/tier.ts";
import { tilePath } from "../../../shared/tlog/tiles.ts";
import { documentEntryOfKey, kvKeys, r2Keys } from "../../../shared/storage/layout.ts";
import { equalBytes } from "../../../shared/crypto/bytes.ts";
import { cidV0 } from "../../../shared/crypto/cid.ts";
import { CHAIN_ID, postDocument, untilPinned } from "../../support/users/accounts.ts";
import { pinnedFiles } from "../../support/chain/chain-state.ts";
import { checkChain } from "../../support/chain/check-chain.ts";
import { deliver } from "../../support/payments/payments.ts";
import { enqueue } from "../../support/stack/queues.ts";
import {
  archivedBytes,
  bringDocument,
  corrupt,
  corruptDocument,
  lose,
  unpin,
} from "../../support/stack/storage.ts";
import type { Flow } from "../flow.ts";
import { until } from "../../support/stack/patience.ts";
import type { World } from "../world.ts";
import { document, submitsAndPays } from "./accounts.ts";
import { dismissAll, untilLetter } from "./dead-letters.ts";

async function lastBlock(world: World): Promise<number> {
  const blocks = await checkChain(world.pipeline);
  if (blocks.length > 1) return blocks.length - 1;
  await world.pay();
  await world.settle();
  return lastBlock(world);
}

/** Damages a block's copy in a tier. An operator then verifies the block until its copies are right. */
async function repair(
  world: World,
  damage: (n: number) => Promise<void>,
  blockNumber?: number,
): Promise<void> {
  const n = blockNumber ?? (await lastBlock(world));
  await damage(n);
  await until(async () => {
    const { status } = await world.operate<{ status: string }>("POST", `/api/storage-verify/verify/${n}`);
    expect(status).toBe("ok");
  });
}

interface StoredDocument {
  readonly id: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Makes and stores a document. */
async function storedDocument(world: World): Promise<StoredDocument> {
  const made = await document(world);
  await world.request((pipeline) => postDocument(pipeline, made.bytes));
  await untilPinned(world.pipeline, made.id);
  return made;
}

/** Damages a document's copy in a tier. An operator then verifies the document until its copies are right. */
async function repairDocument(
  world: World,
  damage: (document: StoredDocument) => Promise<void>,
): Promise<void> {
  const stored = await storedDocument(world);
  await damage(stored);
  await until(async () => {
    const path = `/api/storage-verify/documents/${stored.id}/verify`;
    const { status } = await world.operate<{ status: string }>("POST", path);
    expect(status).toBe("ok");
  });
  await expectStored(world, stored);
}

async function expectStored(world: World, { id, bytes }: StoredDocument): Promise<void> {
  const object = await world.pipeline.r2.get(r2Keys.document(id));
  const kept = new Uint8Array((await object?.arrayBuffer()) ?? new ArrayBuffer());
  expect(equalBytes(kept, bytes), "R2 has the document").toBe(true);
  expect(await pinnedFiles(world.pipeline)).toContainEqual(
    expect.objectContaining({ cid: await cidV0(bytes) }),
  );
}

function repairs(tier: TierName): Flow {
  return {
    name: `repair: ${tier}`,
    is: `a block that ${tier === "ipfs" ? "IPFS" : tier.toUpperCase()} has lost: an operator has it verified`,
    damages: true,
    run: (world) => repair(world, (n) => lose(world.pipeline, tier, n)),
  };
}

/** Key of the partial tile at the end of the log of blocks. */
async function newestTile({ pipeline }: World): Promise<string> {
  const { objects } = await pipeline.r2.list({
    prefix: r2Keys.logCheckpoint(r2Keys.logPrefix, 0).slice(0, -1),
  });
  const sizes = objects.map(({ key }) => Number(key.split("/").at(-1)));
  return `${r2Keys.logPrefix}${tilePath({ level: 0, index: 0, width: Math.max(...sizes) })}`;
}

async function bytesOf({ pipeline }: World, key: string): Promise<Uint8Array<ArrayBuffer>> {
  const object = await pipeline.r2.get(key);
  return new Uint8Array((await object?.arrayBuffer()) ?? new ArrayBuffer());
}

async function untilRestored(world: World, key: string, bytes: Uint8Array): Promise<void> {
  await until(async () => {
    await world.operate("POST", "/api/storage-verify/verify-all", undefined, [200, 202, 409]);
    await untilNoRun(world);
    expect(equalBytes(await bytesOf(world, key), bytes), `R2 has ${key}`).toBe(true);
  });
}

async function untilNoRun(world: World, atLeast = 1): Promise<void> {
  await until(async () => {
    const { runs } = await world.operate<{ runs: StorageRun[] }>("GET", "/api/storage-verify/runs");
    expect(runs.length).toBeGreaterThanOrEqual(atLeast);
    expect(runs.filter(({ state }) => state === "running")).toEqual([]);
  });
}

export const OPERATOR_FLOWS: readonly Flow[] = [
  {
    name: "mining asked for",
    is: "an operator asks for mining",
    async run(world) {
      await world.pay();
      await world.operate("POST", "/api/vdc/mine");
    },
  },
  {
    name: "ignored event",
    is: "an event of Stripe that is no payment",
    async run(world) {
      const event = syntheticCheckout({ seed: crypto.randomUUID(), created: Math.floor(Date.now() / 1_000) });
      await world.request((pipeline) => deliver(pipeline, { ...event, type: "customer.created" }));
    },
  },
  ...TIER_NAMES.map(repairs),
  {
    name: "repair: evidence",
    is: "a block that was altered in R2: the wrong bytes are kept, then replaced",
    damages: true,
    run: (world) => repair(world, (n) => corrupt(world.pipeline, "r2", n)),
  },
  {
    name: "repair: document in r2",
    is: "a document that R2 has lost: an operator has it verified",
    run: (world) => repairDocument(world, ({ id }) => world.pipeline.r2.delete(r2Keys.document(id))),
  },
  {
    name: "repair: document's pin",
    is: "a document whose pin is lost: an operator has it verified",
    run: (world) => repairDocument(world, async ({ bytes }) => unpin(world.pipeline, await cidV0(bytes))),
  },
  {
    name: "repair: document's evidence",
    is: "a document that was altered in R2: the wrong bytes are kept, then replaced",
    run: (world) => repairDocument(world, async ({ id }) => void (await corruptDocument(world.pipeline, id))),
  },
  {
    name: "document brought",
    is: "a document that no tier has: an operator brings it from an export",
    async run(world) {
      const stored = await storedDocument(world);
      await world.pipeline.r2.delete(r2Keys.document(stored.id));
      await unpin(world.pipeline, await cidV0(stored.bytes));
      await until(async () => {
        const response = await bringDocument(world.pipeline, stored.id, stored.bytes);
        expect(response.status, await response.clone().text()).toBe(200);
        const { report } = await response.json<{ report: { status: string } }>();
        expect(report.status).toBe("ok");
      });
      await expectStored(world, stored);
    },
  },
  {
    name: "repair: index",
    is: "a block whose index KV has lost: an operator has it verified",
    damages: true,
    run: (world) =>
      repair(world, async (n) => {
        const block = (await checkChain(world.pipeline))[n];
        for (const { id } of block?.transactions ?? [])
          await world.pipeline.kv.delete(kvKeys.transaction(id));
      }),
  },
  {
    name: "repair: index of documents",
    is: "a block whose entry of a document KV has lost: an operator has it verified",
    damages: true,
    async run(world) {
      await submitsAndPays(world);
      await world.settle();
      const { keys } = await world.pipeline.kv.list({ prefix: kvKeys.documentEntryPrefix("") });
      const [{ name: key } = { name: "" }] = keys.slice(-1);
      await repair(world, () => world.pipeline.kv.delete(key), documentEntryOfKey(key)?.blockNumber);
      const { keys: after } = await world.pipeline.kv.list({ prefix: key });
      expect(after).toMatchObject([{ name: key, metadata: { assetId: expect.any(String) } }]);
    },
  },
  {
    name: "repair: log tile",
    is: "a tile of the log of blocks that was altered in R2: a verification keeps the wrong bytes, then makes it anew",
    async run(world) {
      const key = await newestTile(world);
      const tile = await bytesOf(world, key);
      await world.pipeline.r2.put(key, tile.toReversed());
      await untilRestored(world, key, tile);
    },
  },
  {
    name: "verification",
    is: "every block is verified, at once",
    async run(world) {
      await world.operate("POST", "/api/storage-verify/verify-all", undefined, [200, 202, 409]); // 409: a run is under way
      await untilNoRun(world);
    },
  },
  {
    name: "verification, by the queue",
    is: "a verification whose Worker dies: it goes on by the queue, chunk by chunk",
    prepare: [{ write: "storage-verifier (verifyAll): storage-runs.start", happens: "dies" }],
    async run(world) {
      await world.pipeline.operate("/api/storage-verify/verify-all", { method: "POST" });
      await untilNoRun(world);
    },
  },
  {
    name: "daily verification",
    is: "the cron of storage-verifier, when the last verification is more than 20 hours ago",
    async run(world) {
      const verifier = world.pipeline.harness.getWorker(workerName("storage-verifier"));
      const sql = await verifier.getDurableObjectStorage("StorageRuns", { name: CHAIN_ID });
      await sql.exec("UPDATE run SET started_at = started_at - 80000000");
      const started = Date.now();
      await until(async () => {
        await world.fireCron("storage-verifier");
        const { runs } = await world.operate<{ runs: StorageRun[] }>("GET", "/api/storage-verify/runs");
        expect(runs.some(({ startedAt }) => startedAt >= started)).toBe(true);
      });
      await untilNoRun(world);
    },
  },
  {
    name: "staged bytes left over",
    is: "signed bytes that nobody sealed, of a block that is finished: the cron of storage-verifier, an hour later",
    async run(world) {
      const n = await lastBlock(world);
      const key = r2Keys.sealed(n, "0".repeat(64));
      await world.pipeline.r2.put(key, await archivedBytes(world.pipeline, n));
      await until(async () => {
        world.control.setAhead("storage-verifier", 3_601_000);
        await world.fireCron("storage-verifier");
        expect(await world.pipeline.r2.head(key)).toBeNull();
      });
      world.control.setAhead("storage-verifier", 0);
      await untilNoRun(world, 0);
    },
  },
  {
    name: "alert",
    is: "a dead letter: an alert is posted, and taken back when the letter is dismissed",
    async run(world) {
      const { alerts } = world;
      const began = alerts.taken.length;
      await enqueue(world.pipeline, "miner", [{ v: 1, nonsense: crypto.randomUUID() }]);
      await untilLetter(world, ({ state }) => state === "open");
      const untilPosted = (state: string, meanwhile = async () => {}) =>
        until(async () => {
          await meanwhile();
          await world.fireCron("alerts");
          // The monitor repeats a post that it began and did not finish. Its clock never goes back, because it
          // remembers the time of its posts.
          world.control.setAhead("monitor", world.control.ahead("monitor") + 60_000);
          expect(alerts.taken.slice(began)).toContainEqual(
            expect.objectContaining({ alert: "dead_letters", state }),
          );
        });
      await untilPosted("firing");
      await untilPosted("resolved", () => dismissAll(world));
    },
  },
];
