import { expect } from "vitest";
import { activationRequest } from "../../../shared/client/activation.ts";
import { sealDocument } from "../../../shared/client/documents.ts";
import { sealMetadata } from "../../../shared/client/user-metadata.ts";
import { creation } from "../../../shared/client/unsigned.ts";
import type { UserKeys } from "../../../shared/client/user-keys.ts";
import { sha256Hex } from "../../../shared/crypto/hash.ts";
import { cidV0 } from "../../../shared/crypto/cid.ts";
import { r2Keys } from "../../../shared/storage/layout.ts";
import {
  CHAIN_ID,
  newUser,
  postDocument,
  postSubmission,
  registration,
  signed,
  untilPinned,
} from "../../support/users/accounts.ts";
import { activate, putMetadata } from "../../support/users/activation.ts";
import { workerName } from "../../../shared/pipeline.ts";
import { keysOf, pinnedFiles } from "../../support/chain/chain-state.ts";
import { purchase } from "../../support/payments/payments.ts";
import type { Flow } from "../flow.ts";
import { until } from "../../support/stack/patience.ts";
import type { World } from "../world.ts";

type Submission = Awaited<ReturnType<typeof signed>>;

async function submits(world: World, submission: Submission): Promise<string> {
  const { txId } = await world.request<{ txId: string }>((pipeline) => postSubmission(pipeline, submission));
  return txId;
}

const users = new WeakMap<World, UserKeys>();

/** Returns a user who is registered on this chain. */
async function userOf(world: World): Promise<UserKeys> {
  const known = users.get(world);
  if (known !== undefined) return known;
  const user = await newUser();
  world.accept(await submits(world, await signed(user, registration(user))));
  await world.settle();
  users.set(world, user);
  return user;
}

/** Submits a transaction that must be paid, and pays for it. */
export async function submitsAndPays(world: World): Promise<void> {
  const documentHash = sha256Hex(crypto.getRandomValues(new Uint8Array(32)));
  const unsigned = creation({ assetId: `deed-${crypto.randomUUID()}`, documentHash });
  const submission = await signed(await userOf(world), unsigned);
  const txId = await submits(world, submission);
  await world.pay(purchase({ clientReferenceId: txId }));
  world.accept(txId);
}

async function untilNoIntent(world: World): Promise<void> {
  await until(async () => {
    await world.fireCron("accounts");
    expect(await keysOf(world.pipeline, r2Keys.intentPrefix)).toEqual([]);
  });
}

const HOUR = 3_601_000;

/** Repeats the work while hours pass on the clock of `accounts`. */
async function whileHoursPass<T>(world: World, work: () => Promise<T>): Promise<T> {
  let hours = 0;
  return until(async () => {
    try {
      return await work();
    } finally {
      world.control.setAhead("accounts", ++hours * HOUR);
    }
  });
}

/** Waits until the index of documents has looked for every document that was to arrive, as it does an hour later. */
async function untilNothingArrives({ pipeline }: World): Promise<void> {
  const worker = pipeline.harness.getWorker(workerName("storage-verifier"));
  const index = ["DocumentIndex", { name: CHAIN_ID }] as const;
  const sql = await worker.getDurableObjectStorage(...index);
  await sql.exec("UPDATE to_pin SET due = 1");
  await worker.evictDurableObject(...index);
  await until(async () => {
    await pipeline.fetch(`/api/documents/${"0".repeat(64)}/status`); // starts the object, which sets its alarm
    expect(await sql.exec("SELECT id FROM to_pin")).toEqual([]);
  });
}

export async function document(world: World) {
  return sealDocument(CHAIN_ID, crypto.getRandomValues(new Uint8Array(1_000)), await userOf(world));
}

async function pinsOf(world: World, id: string): Promise<readonly string[]> {
  return (await pinnedFiles(world.pipeline)).filter(({ name }) => name.includes(id)).map(({ cid }) => cid);
}

async function storesDocument(world: World): Promise<void> {
  const { id, bytes } = await document(world);
  await world.request((pipeline) => postDocument(pipeline, bytes));
  await untilPinned(world.pipeline, id);
  expect(await pinsOf(world, id)).toEqual([await cidV0(bytes)]);
  expect(await world.pipeline.r2.head(r2Keys.document(id))).not.toBeNull();
  await untilNothingArrives(world);
}

/** The sender of a document gives up after the first answer. */
async function abandonsDocument(world: World): Promise<void> {
  const { id, bytes } = await document(world);
  await postDocument(world.pipeline, bytes).catch(() => {});
  await untilNothingArrives(world);
  const isKept = (await world.pipeline.r2.head(r2Keys.document(id))) !== null;
  if (isKept) await untilPinned(world.pipeline, id);
  expect(await pinsOf(world, id), "in both tiers, or in neither").toEqual(isKept ? [await cidV0(bytes)] : []);
}

export const ACCOUNTS_FLOWS: readonly Flow[] = [
  {
    name: "registration",
    is: "a user registers: a submission that costs nothing",
    async run(world) {
      const user = await newUser();
      world.accept(await submits(world, await signed(user, registration(user))));
    },
  },
  {
    name: "paid submission",
    is: "a submission that waits for its payment, and is paid",
    run: submitsAndPays,
  },
  {
    name: "released by the cron",
    is: "a paid submission that pending-writer could not release: the cron of accounts",
    prepare: [{ write: "pending-writer (queue): chain-head.paidIntents", happens: "fails" }],
    async run(world) {
      await submitsAndPays(world);
      await untilNoIntent(world);
    },
  },
  {
    name: "intent left over",
    is: "a paid submission whose object in `intents/` was left over: the cron of accounts",
    prepare: [{ write: "pending-writer (queue): R2 delete intents/{txId}.json", happens: "lost" }],
    async run(world) {
      await submitsAndPays(world);
      await world.settle();
      await untilNoIntent(world);
    },
  },
  { name: "document", is: "a document: into R2, then pinned by storage-verifier", run: storesDocument },
  {
    name: "document refused",
    is: "a document that R2 does not take at first: it is sent again",
    prepare: [{ write: "accounts (fetch): R2 put documents/{sha256}.json", happens: "fails" }],
    run: storesDocument,
  },
  {
    name: "document abandoned",
    is: "a document whose upload dies after R2 took it, and whose sender gives up: the index asks R2 for it",
    prepare: [{ write: "accounts (fetch): R2 put documents/{sha256}.json", happens: "dies" }],
    run: abandonsDocument,
  },
  {
    name: "activation",
    is: "a token is issued, a user activates with it, and replaces the metadata",
    async run(world) {
      const { token } = await world.operate<{ token: string }>("POST", "/api/activation-tokens", {});
      const user = await newUser();
      const request = await activationRequest(CHAIN_ID, token, user, Date.now(), { note: "one" });
      const { txId } = await world.request<{ txId: string }>((pipeline) => activate(pipeline, request));
      world.accept(txId);
      await world.settle();
      const record = await sealMetadata(CHAIN_ID, user, 2, { note: "two" });
      // KV may still apply an unanswered write of the first version until WRITE_LANDS_WITHIN_SECONDS are over. The
      // second version waits for that.
      await whileHoursPass(world, async () => {
        const response = await putMetadata(world.pipeline, record);
        expect(response.status, await response.text()).toBe(200);
      });
      world.control.setAhead("accounts", 0);
      const shown = await world.request((pipeline) => pipeline.fetch(`/api/users/${user.userId}/metadata`));
      expect(shown).toEqual(record);
    },
  },
  {
    name: "erasure",
    is: "the private part of a mined transaction is erased on request",
    async run(world) {
      const txId = await world.pay();
      await world.settle();
      await world.operate("POST", `/api/privacy/${txId}/erase`, { reason: "request 12" });
      const shown = await world.pipeline.operate(`/api/privacy/${txId}/show`, {
        method: "POST",
        body: JSON.stringify({ reason: "is it gone?" }),
      });
      expect(shown.status).not.toBe(200);
    },
  },
];
