import { readFileSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { blockBytes, type Block } from "../../shared/chain/block.ts";
import { sha256Hex } from "../../shared/crypto/hash.ts";
import { r2Keys, txIdOfPendingKey } from "../../shared/storage/layout.ts";
import { until } from "../support/stack/patience.ts";
import { freePort, kill, takePort } from "../support/stack/processes.ts";
import { BY_ITSELF, Desk, expectContinued, ON_REQUEST, untilGone } from "./desk.ts";
import { minedIds } from "./local-stack.ts";
import type { StackProcess } from "./stack-process.ts";
import { storedObjects } from "./stored-objects.ts";

describe.concurrent("npm start, killed and started again", () => {
  const killings: [what: string, kill: (stack: StackProcess) => void][] = [
    ["the program", ({ program }) => kill(program, "SIGKILL")],
    ["the whole process group", ({ wrapper }) => kill(-wrapper, "SIGKILL")],
    ["the wrapper that npm runs", ({ wrapper }) => kill(wrapper, "SIGKILL")],
    [
      "workerd and the program",
      (stack) => [...stack.runtimes, stack.program].forEach((pid) => kill(pid, "SIGKILL")),
    ],
  ];

  it.for(killings)("goes on with the chain after kill -9 of %s", async ([, killIt], context) => {
    const desk = new Desk(context);
    const first = await desk.start(ON_REQUEST);
    const mined = await first.payAndAdmit(2);
    await first.mine();
    const before = await first.verifiedChain();
    const waiting = await first.payAndAdmit(3);

    killIt(first);
    await untilGone(first);

    const second = await desk.start(BY_ITSELF);
    await second.untilMined(waiting);
    await second.untilIdle();
    const after = await second.verifiedChain();
    expect(after.length).toBeGreaterThan(before.length);
    expectContinued(before, after, [...mined, ...waiting]);
  });

  it("loses nothing and mines nothing twice, whenever it is killed while it mines", async (context) => {
    const desk = new Desk(context);
    const txIds: string[] = [];
    let before: readonly Block[] = [];
    let stack = await desk.start(BY_ITSELF);
    // Milliseconds after the request: about before, while and after each stage does its work.
    for (const moment of [0, 30, 80, 160, 320]) {
      txIds.push(...(await stack.payAndAdmit(3)));
      void stack.operate("/api/vdc/mine", "POST").catch(() => {}); // the answer may not come
      await wait(moment);
      kill(-stack.wrapper, "SIGKILL");
      await untilGone(stack);

      stack = await desk.start(BY_ITSELF);
      await stack.untilMined(txIds);
      await stack.untilIdle();
      const after = await stack.verifiedChain();
      expectContinued(before, after, txIds);
      before = after;
    }
  });

  it("mines every object of pending/, those too that the chain head was not told of", async (context) => {
    const desk = new Desk(context);
    const stack = await desk.start(ON_REQUEST);
    const admitted = await stack.payAndAdmit(2);
    const paying = Array.from({ length: 40 }, () => stack.pay());
    await Promise.any(paying);
    kill(-stack.wrapper, "SIGKILL");
    await Promise.allSettled(paying);
    await untilGone(stack);
    // The chain head has lost its state before it made a block, so it knows none of the transactions.
    rmSync(join(desk.directory, "platform", "do"), { recursive: true });
    const written = [...(await storedObjects(desk.directory, r2Keys.pendingPrefix)).keys()].map((key) =>
      String(txIdOfPendingKey(key)),
    );
    expect(written).toEqual(expect.arrayContaining(admitted));

    const again = await desk.start(BY_ITSELF);
    await again.untilMined(written);
    await again.untilIdle();
    expect(minedIds(await again.verifiedChain()).toSorted()).toEqual(written.toSorted());
  });

  it("finishes a sealed block with the very bytes that were signed before the kill", async (context) => {
    const desk = new Desk(context);
    const stack = await desk.start(ON_REQUEST);
    const first = await stack.payAndAdmit(2);
    await stack.mine();
    const txIds = [...first, ...(await stack.payAndAdmit(2))];
    expect((await stack.setFault({ kind: "fail", status: 503, on: "upload" })).status).toBe(200);
    await stack.operate("/api/vdc/mine", "POST");
    await until(async () => expect((await stack.status()).inFlight).toMatchObject([{ state: "sealed" }]));
    kill(-stack.wrapper, "SIGKILL");
    await untilGone(stack);
    const staged = [...(await storedObjects(desk.directory, r2Keys.sealedPrefix(2))).keys()];
    expect(staged).toHaveLength(1);

    const again = await desk.start(ON_REQUEST); // the pinning service is back, and no operator asks for mining
    await again.untilMined(txIds);
    await again.untilIdle();
    const blocks = await again.verifiedChain();
    expect(minedIds(blocks).toSorted()).toEqual(txIds.toSorted());
    expect(`${sha256Hex(blockBytes(blocks[2] as Block))}.json`).toBe(basename(staged[0] ?? ""));
  });
});

describe.concurrent("npm start, asked to stop", () => {
  it.for([
    ["SIGINT", "to npm alone"],
    ["SIGTERM", "to npm alone"],
    ["SIGINT", "to the whole group, as Ctrl-C does"],
  ] as const)(
    "ends with 0 on %s %s, with every process, the lock and the port, and goes on with all that it had taken",
    async ([signal, to], context) => {
      const desk = new Desk(context);
      const port = await freePort();
      const stack = await desk.start({ ...ON_REQUEST, PORT: String(port) });
      expect(stack.url).toBe(`http://127.0.0.1:${port}`);
      const txIds = await stack.payAndAdmit(1);
      if (to === "to npm alone") txIds.push(await stack.pay()); // Ctrl-C ends the queues too

      kill(to === "to npm alone" ? stack.wrapper : -stack.wrapper, signal);
      const { code, stderr } = await stack.ended;
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stack.alive()).toEqual([]);
      expect(() => readFileSync(join(desk.directory, "stack.lock"))).toThrow("ENOENT");
      await (await takePort(port)).release();

      const again = await desk.start({ ...BY_ITSELF, PORT: String(port) });
      await again.untilMined(txIds);
      await again.untilIdle();
      expect(minedIds(await again.verifiedChain()).toSorted()).toEqual(txIds.toSorted());
    },
  );
});
