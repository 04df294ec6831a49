import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { startTimestampAuthority, type TimestampAuthority } from "../../../../cli/local/tsa/authority.ts";
import { r2Keys } from "../../../../shared/storage/layout.ts";
import { verifyTimestamp } from "../../../../shared/timestamp/verify-timestamp.ts";
import { authoritiesOf, stampCheckpoint } from "../../../../workers/checkpointer/stamp-checkpoint.ts";
import { CheckpointWorld } from "../../../support/chain/checkpoint-world.ts";
import { SILENT } from "../../../support/stack/memory-bucket.ts";

const nameOf = (world: CheckpointWorld) => authoritiesOf(world.env)[0]?.name ?? "";
const keyOf = (world: CheckpointWorld, size: number) => r2Keys.timestamp(nameOf(world), size);

describe("the time stamp of a checkpoint", () => {
  let directory: string;
  let authority: TimestampAuthority;
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "vdc-stamps-"));
    authority = await startTimestampAuthority({ dir: directory, now: () => Date.now() });
  });
  afterAll(async () => {
    await authority.close();
    rmSync(directory, { recursive: true });
  });

  async function stampedWorld(blocks: number): Promise<CheckpointWorld> {
    const world = await CheckpointWorld.of(blocks + 1);
    await world.publish(blocks);
    world.settings = { TSA_URLS: authority.url, TSA_ISSUERS: authority.issuers };
    return world;
  }

  it("is over the checkpoint as R2 holds it, and is noted once R2 has it", async () => {
    const world = await stampedWorld(2);
    await stampCheckpoint(world.env, SILENT);
    const data = world.bucket.bytes(r2Keys.logCheckpoint(r2Keys.logPrefix, 2)) ?? new Uint8Array();
    const response = world.bucket.bytes(keyOf(world, 2)) ?? new Uint8Array();
    const { time } = await verifyTimestamp({ response, data, issuers: authority.issuers });
    expect(world.head.facts().stamps).toEqual([{ authority: nameOf(world), size: 2, at: time }]);
  });

  it("is asked for once an hour, and only when the log has grown", async () => {
    const world = await stampedWorld(1);
    const now = Date.now();
    const count = () => world.bucket.keys().filter((key) => key.endsWith(".tsr")).length;
    await stampCheckpoint(world.env, SILENT);
    await world.publish(2);
    await stampCheckpoint(world.env, SILENT);
    expect(count()).toBe(1);
    vi.spyOn(Date, "now").mockReturnValue(now + 3_700_000);
    await stampCheckpoint(world.env, SILENT);
    await stampCheckpoint(world.env, SILENT);
    expect(count()).toBe(2);
    expect(world.bucket.keys()).toContain(keyOf(world, 2));
  });

  it("that a crash left unnoted is verified and noted by the next run, without another one", async () => {
    const world = await stampedWorld(1);
    world.before = (call) => {
      if (call === "log-head.stamped") throw new Error("the Worker died");
    };
    await stampCheckpoint(world.env, SILENT);
    expect(world.head.facts().stamps).toEqual([]);
    const stored = world.bucket.bytes(keyOf(world, 1));
    world.before = () => {};
    await stampCheckpoint(world.env, SILENT);
    expect(world.head.facts().stamps).toMatchObject([{ size: 1 }]);
    expect(world.bucket.bytes(keyOf(world, 1))).toEqual(stored);
  });

  it("of a lying authority is neither stored nor noted [T81]", async () => {
    const world = await stampedWorld(1);
    const faults = [
      { kind: "other_data" },
      { kind: "wrong_signature" },
      { kind: "fail", status: 503 },
      { kind: "wrong_clock", offMs: 3_600_000 },
    ] as const;
    for (const fault of faults) {
      authority.setFault(fault, 1);
      await stampCheckpoint(world.env, SILENT);
    }
    authority.clearFaults();
    expect(world.bucket.keys().filter((key) => key.endsWith(".tsr"))).toEqual([]);
    expect(world.head.facts().stamps).toEqual([]);
  });

  it("is not asked for without pinned certificates", async () => {
    const world = await stampedWorld(1);
    world.settings = { TSA_URLS: authority.url };
    await expect(stampCheckpoint(world.env, SILENT)).rejects.toThrow("TSA_ISSUERS is empty");
    world.settings = { TSA_URLS: "no address", TSA_ISSUERS: authority.issuers };
    await expect(stampCheckpoint(world.env, SILENT)).rejects.toThrow("no http(s) URL");
  });
});
