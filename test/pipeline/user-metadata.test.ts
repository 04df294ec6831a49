import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openMetadata, sealMetadata } from "../../shared/client/user-metadata.ts";
import type { UserKeys } from "../../shared/client/user-keys.ts";
import { workerName } from "../../shared/pipeline.ts";
import { kvKeys } from "../../shared/storage/layout.ts";
import type { UserMetadataRecord } from "../../shared/chain/user-metadata.ts";
import { CHAIN_ID, newUser, registration, signed, submitSigned } from "../support/users/accounts.ts";
import { getMetadata, putMetadata } from "../support/users/activation.ts";
import { everythingStored } from "../support/chain/chain-state.ts";
import { mine, untilWaiting } from "../support/payments/payments.ts";
import { startPipeline, type Pipeline } from "../support/stack/pipeline.ts";
import { expectProblem } from "../support/assertions/problems.ts";

let pipeline: Pipeline;
let user: UserKeys;
let crowded: UserKeys;
beforeAll(async () => {
  pipeline = await startPipeline();
  user = await newUser();
  crowded = await newUser();
  for (const each of [user, crowded]) await submitSigned(pipeline, await signed(each, registration(each)));
  await untilWaiting(pipeline, 2);
  await mine(pipeline);
});
afterAll(() => pipeline.close());

const sealed = (version: number, owner = user) =>
  sealMetadata(CHAIN_ID, owner, version, { note: `my secret number ${version}` });

async function shown(owner = user): Promise<UserMetadataRecord> {
  const response = await getMetadata(pipeline, owner.userId);
  expect(response.status).toBe(200);
  return response.json();
}

async function put(record: UserMetadataRecord): Promise<void> {
  const response = await putMetadata(pipeline, record);
  const body: unknown = await response.json();
  expect([response.status, body]).toEqual([200, { userId: record.userId, version: record.version }]);
}

describe("a user's metadata", () => {
  it("is shown to anybody and read by its user alone", async () => {
    await expectProblem(await getMetadata(pipeline, user.userId), "not-found");
    const record = await sealed(1);
    await put(record);
    const response = await getMetadata(pipeline, user.userId);
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
    expect(response.headers.get("cache-control")).toBe("public, max-age=5");
    expect(await response.json()).toEqual(record);
    expect(await openMetadata(CHAIN_ID, user, record)).toEqual({ note: "my secret number 1" });
    const clear = Object.entries(await everythingStored(pipeline)).filter(([, text]) =>
      text.includes("secret number"),
    );
    expect(clear).toEqual([]);
  });

  it("is replaced by a higher version only; the same again is the same", async () => {
    const [second, fourth] = [await sealed(2), await sealed(4)];
    await put(second);
    await put(fourth);
    await put(fourth);
    for (const stale of [second, await sealed(3), await sealed(4)])
      expect(await expectProblem(await putMetadata(pipeline, stale), "stale-version")).toMatchObject({
        version: 4,
      });
    expect(await shown()).toEqual(fourth);
    await pipeline.kv.delete(kvKeys.user(user.userId)); // as if the record had never reached KV
    await put(fourth);
    expect(await shown()).toEqual(fourth);
  });

  it("does not go back when the object that decides has lost its storage [T16 T46]", async () => {
    const worker = pipeline.harness.getWorker(workerName("accounts"));
    const name = { name: user.userId };
    const present = await shown();
    const storage = await worker.getDurableObjectStorage("UserMetadata", name);
    expect(await storage.exec("SELECT version FROM standing")).toEqual([{ version: present.version }]);
    await storage.exec("DELETE FROM standing");
    await worker.evictDurableObject("UserMetadata", name);
    const problem = await expectProblem(await putMetadata(pipeline, await sealed(1)), "stale-version");
    expect(problem.version).toBe(present.version);
    await put(await sealed(present.version + 1));
  });

  it("is the highest of twenty versions that come at once, and is never seen to go back", async () => {
    const versions = Array.from({ length: 20 }, (_, i) => ((i * 7) % 20) + 1); // each version once, in disorder
    const records = await Promise.all(versions.map((version) => sealed(version, crowded)));
    const seen: number[] = [];
    const over = new AbortController();
    const watching = (async () => {
      while (!over.signal.aborted) {
        const text = await pipeline.kv.get(kvKeys.user(crowded.userId));
        if (text !== null) seen.push((JSON.parse(text) as UserMetadataRecord).version);
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    const statuses = await Promise.all(
      records.map(async (record) => {
        const response = await putMetadata(pipeline, record);
        if (response.status !== 200) await expectProblem(response, "stale-version");
        return response.status;
      }),
    );
    over.abort();
    await watching;
    expect(statuses[versions.indexOf(20)]).toBe(200);
    expect(await shown(crowded)).toEqual(records[versions.indexOf(20)]);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  });

  it("is nobody's who is not registered, nor in an envelope that is not for the registered key", async () => {
    const stranger = await newUser();
    await expectProblem(await putMetadata(pipeline, await sealed(1, stranger)), "not-registered");
    const lent = { ...user, seal: stranger.seal };
    await expectProblem(await putMetadata(pipeline, await sealed(100, lent)), "not-registered");
    expect((await shown()).version).toBeLessThan(100);
  });

  it("is refused when anybody but its user has signed it, for this chain and this path [T16]", async () => {
    const record = await sealed(100);
    const refused = [
      { ...record, version: 101 },
      { ...record, signature: (await sealed(100)).signature },
      await sealMetadata("vdc-other", user, 100, { note: "x" }),
      { ...record, signature: await crowded.sign(new Uint8Array(32), "vdc/user-metadata/v1") },
    ];
    for (const each of refused)
      await expectProblem(await putMetadata(pipeline, each), "invalid-user-signature");
    const elsewhere = await pipeline.fetch(`/api/users/${crowded.userId}/metadata`, {
      method: "PUT",
      body: JSON.stringify(record),
    });
    expect(await expectProblem(elsewhere, "invalid-body")).toMatchObject({ member: "userId" });
    expect((await shown()).version).toBeLessThan(100);
  });
});
