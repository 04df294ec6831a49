import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkLog } from "../../../cli/doctor/log.ts";
import { Client } from "../../../cli/http/client.ts";
import { logMemoryOf } from "../../../cli/monitor/log-memory.ts";
import { EXIT } from "../../../cli/output/failure.ts";
import { keysOfGenesis } from "../../../shared/chain/signing-keys.ts";
import type { CheckpointPair } from "../../../workers/checkpointer/log-head/schema.ts";
import { CheckpointWorld } from "../../support/chain/checkpoint-world.ts";
import { vdc } from "../../support/stack/command-line.ts";
import { publishing, scratch } from "./chains.ts";
import { serve, type Answered, type Asked, type Served } from "./server.ts";

/** A deployment with this world's published blocks and checkpoints; `change` may replace any answer. */
async function deployment(
  world: CheckpointWorld,
  change: (path: string, answer: Answered) => Answered = (_, answer) => answer,
): Promise<Served> {
  const blocks = await publishing(world.chain.slice(0, world.published).map(({ block }) => block));
  const { shown, endorsements } = world.head.facts();
  const tiles = new Map(world.bucket.keys().map((key) => [`/${key}`, world.bucket.bytes(key)]));
  const answer = (asked: Asked): Answered => {
    const { path } = asked;
    if (path === "/log/keys.json") return { body: { format: "vdc-log-keys@1", endorsements } };
    if (path === "/log/checkpoint") return noteOf(shown, "blocks");
    if (path === "/log/tx/checkpoint") return noteOf(shown, "transactions");
    const tile = tiles.get(path);
    return tile === undefined ? blocks(asked) : { bytes: tile };
  };
  return serve((asked) => change(asked.path, answer(asked)));
}

function noteOf(shown: CheckpointPair | null, name: "blocks" | "transactions"): Answered {
  return shown === null ? { status: 404, problem: "not-found" } : { body: shown[name] };
}

let state: string;
async function monitor(stack: Served, ...more: string[]) {
  const directory = process.cwd();
  process.chdir(join(state, ".."));
  try {
    const args = ["monitor", "--url", stack.url, "--state", state, "--once", "--json", ...more];
    const { code, stdout, stderr } = await vdc(args);
    return { code, stderr, document: JSON.parse(stdout || "{}") as Record<string, unknown> };
  } finally {
    process.chdir(directory);
  }
}

/** The contents of the evidence file that the run names. */
function evidenceOf({ document }: Awaited<ReturnType<typeof monitor>>): Record<string, unknown> {
  return JSON.parse(readFileSync(join(state, "..", String(document.evidence)), "utf8")) as Record<
    string,
    unknown
  >;
}

async function worldOf(length: number, published: number): Promise<CheckpointWorld> {
  const world = await CheckpointWorld.of(length);
  await world.publish(published);
  return world;
}

describe("vdc monitor", () => {
  it("follows a sound deployment that grows", async () => {
    state = join(scratch(), "chain.state");
    const world = await worldOf(8, 3);
    expect(await monitor(await deployment(world))).toMatchObject({
      code: EXIT.ok,
      document: { sound: true, size: 3, entries: 3, waiting: 0 },
    });
    await world.publish(8);
    expect(await monitor(await deployment(world))).toMatchObject({
      code: EXIT.ok,
      document: { sound: true, size: 8, entries: 8 },
    });
  });

  it("finds a fork of the same size, and leaves both signed notes as evidence", async () => {
    state = join(scratch(), "chain.state");
    const world = await worldOf(4, 4);
    expect((await monitor(await deployment(world))).code).toBe(EXIT.ok);
    const remembered = world.head.facts().shown?.blocks;
    const forked = await world.forkedCheckpoint();
    const found = await monitor(
      await deployment(world, (path, answer) => (path === "/log/checkpoint" ? { body: forked } : answer)),
    );
    expect(found).toMatchObject({ code: EXIT.unverified, document: { sound: false, fault: "fork" } });
    expect(evidenceOf(found)).toMatchObject({
      remembered: { blocks: remembered },
      served: { blocks: forked },
    });
  });

  it("finds a signed checkpoint that is smaller than a remembered one", async () => {
    state = join(scratch(), "chain.state");
    const world = await worldOf(6, 3);
    const before = await deployment(world);
    await world.publish(6);
    expect((await monitor(await deployment(world))).code).toBe(EXIT.ok);
    expect(await monitor(before)).toMatchObject({ code: EXIT.unverified, document: { fault: "rollback" } });
  });

  it("finds a signed checkpoint of other blocks than those that are served", async () => {
    state = join(scratch(), "chain.state");
    const world = await worldOf(4, 4);
    const forked = await world.forkedCheckpoint();
    const stack = await deployment(world, (path, answer) =>
      path === "/log/checkpoint" ? { body: forked } : answer,
    );
    expect(await monitor(stack)).toMatchObject({
      code: EXIT.unverified,
      document: { fault: "other_blocks" },
    });
  });

  it("finds that published blocks wait too long for a checkpoint", async () => {
    state = join(scratch(), "chain.state");
    const world = await worldOf(5, 3);
    world.published = 5;
    const stack = await deployment(world);
    expect(await monitor(stack)).toMatchObject({ code: EXIT.ok, document: { size: 3, waiting: 2 } });
    expect((await monitor(stack, "--stall-after", "3600")).code).toBe(EXIT.ok);
    expect(await monitor(stack, "--stall-after", "0")).toMatchObject({
      code: EXIT.unverified,
      document: { fault: "stall" },
    });
  });

  it("refuses other keys of the log that the block key did not endorse", async () => {
    state = join(scratch(), "chain.state");
    const world = await worldOf(4, 4);
    const other = await worldOf(4, 4);
    expect((await monitor(await deployment(world))).code).toBe(EXIT.ok);
    const keys = { format: "vdc-log-keys@1", endorsements: other.head.facts().endorsements };
    const { genesisHash } = world.head.facts().endorsements[0] ?? {};
    const forged = { ...keys, endorsements: keys.endorsements.map((one) => ({ ...one, genesisHash })) };
    for (const body of [keys, forged]) {
      const stack = await deployment(world, (path, answer) =>
        path === "/log/keys.json" ? { body } : answer,
      );
      expect(await monitor(stack)).toMatchObject({
        code: EXIT.unverified,
        document: { fault: "invalid_log" },
      });
    }
  });

  it("finds a damaged tile", async () => {
    state = join(scratch(), "chain.state");
    const world = await worldOf(6, 3);
    expect((await monitor(await deployment(world))).code).toBe(EXIT.ok);
    await world.publish(6);
    const stack = await deployment(world, (path, answer) =>
      path.startsWith("/log/tile/0/") ? { bytes: answer.bytes?.toReversed() ?? new Uint8Array() } : answer,
    );
    expect(await monitor(stack)).toMatchObject({ code: EXIT.unverified, document: { fault: "invalid_log" } });
  });

  it("says that it could not look when the deployment is unreachable", async () => {
    state = join(scratch(), "chain.state");
    const { code } = await monitor({ url: "http://127.0.0.1:1", asked: [] });
    expect(code).toBe(EXIT.unknown);
  });
});

const look = async (world: CheckpointWorld, file?: string, now = 0) => {
  const { genesisHash, signingKeys } = wellKnownOf(world);
  const stack = await deployment(world, (path, answer) =>
    path === "/.well-known/vdc.json" ? { body: { chainId: "vdc-main", genesisHash, signingKeys } } : answer,
  );
  return checkLog(new Client(stack.url), file, now);
};

describe("vdc doctor's look at the log", () => {
  it("finds a sound log good, and asks for a monitor", async () => {
    expect(await look(await worldOf(4, 4))).toMatchObject([
      { check: "log", state: "good" },
      { check: "checkpoint", state: "good", detail: "it covers every published block" },
      { check: "monitor", state: "warning" },
    ]);
  });

  it("says that a checkpoint is late", async () => {
    const world = await worldOf(5, 3);
    world.published = 5;
    const [, early] = await look(world, undefined, 60_000);
    const [, late] = await look(world, undefined, 3_600_000);
    expect([early?.state, late?.state]).toEqual(["good", "bad"]);
    expect(late?.detail).toContain("vdc status");
  });

  it("says that the log's keys are not endorsed", async () => {
    const world = await worldOf(4, 4);
    const { genesisHash } = wellKnownOf(world);
    const stack = await deployment(world, (path, answer) =>
      path === "/.well-known/vdc.json"
        ? { body: { chainId: "vdc-main", genesisHash, signingKeys: [] } }
        : answer,
    );
    expect(await checkLog(new Client(stack.url), undefined, 0)).toMatchObject([
      { check: "log", state: "bad", detail: expect.stringContaining("wrong_endorsement") },
      { check: "checkpoint", state: "unknown" },
    ]);
  });

  it("compares the log with a monitor's state", async () => {
    state = join(scratch(), "chain.state");
    const world = await worldOf(6, 3);
    expect((await monitor(await deployment(world))).code).toBe(EXIT.ok);
    expect((await look(world, state))[2]).toMatchObject({ check: "monitor", state: "good" });
    const other = await worldOf(6, 2);
    expect((await look(other, state))[2]).toMatchObject({ check: "monitor", state: "bad" });
  });
});

function wellKnownOf(world: CheckpointWorld) {
  const genesis = world.chain[0]?.block;
  if (genesis === undefined) throw new Error("the world has no block");
  return { genesisHash: genesis.hash, signingKeys: keysOfGenesis(genesis) };
}

describe("vdc monitor and bytes of any kind", () => {
  it("ends with a clear failure for any answer of the log", async () => {
    const world = await worldOf(6, 3);
    state = join(scratch(), "chain.state");
    expect((await monitor(await deployment(world))).code).toBe(EXIT.ok);
    await world.publish(6);
    const places = ["/log/checkpoint", "/log/tx/checkpoint", "/log/keys.json", "/log/tile/0/000.p/6"];
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...places),
        fc.uint8Array({ maxLength: 300 }),
        async (place, bytes) => {
          const stack = await deployment(world, (path, answer) => (path === place ? { bytes } : answer));
          expect(await monitor(stack)).toMatchObject({
            code: EXIT.unverified,
            document: { sound: false, fault: "invalid_log" },
          });
        },
      ),
      { numRuns: 10 },
    );
    expect((await monitor(await deployment(world))).document).toMatchObject({ sound: true, size: 6 });
  });

  it("refuses any other JSON as remembered checkpoints", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (logMemory) => {
        expect(() => logMemoryOf({ logMemory })).toThrow(/damaged/);
      }),
    );
  });
});
