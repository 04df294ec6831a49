import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { beforeAll, describe, expect, it, type TestContext } from "vitest";
import { secretsFile } from "../../cli/local/data-directory.ts";
import { generateSecrets, type LocalSecrets } from "../../cli/local/secrets.ts";
import { blockBytes, type Block } from "../../shared/chain/block.ts";
import { sha256Hex } from "../../shared/crypto/hash.ts";
import { r2Keys, txIdOfPendingKey } from "../../shared/storage/layout.ts";
import { until } from "../support/payments.ts";
import { freePort, kill, takePort } from "../support/processes.ts";
import { minedIds, StackProcess, startInVain, storedObjects } from "./stack-process.ts";

/** Mines only when asked. */
const ON_REQUEST = { MINE_AFTER_SECONDS: "3600", MINE_AT_COUNT: "100000", STALL_AFTER_SECONDS: "1" };
/** Mines whatever waits, without anyone's help. */
const BY_ITSELF = { ...ON_REQUEST, MINE_AFTER_SECONDS: "1" };

/** A data directory of its own, and stacks on it that end with the test. */
class Desk {
  readonly directory = mkdtempSync(join(tmpdir(), "vdc-local-"));
  readonly #started: StackProcess[] = [];

  constructor({ onTestFinished }: TestContext) {
    onTestFinished(async () => {
      await Promise.all(this.#started.map((stack) => stack.end()));
      rmSync(this.directory, { recursive: true, force: true });
    });
  }

  async start(environment: Record<string, string>): Promise<StackProcess> {
    const stack = await StackProcess.start(this.directory, environment);
    this.#started.push(stack);
    return stack;
  }
}

/** Nothing of it is left: what is would hold the port and write to the same files. */
async function untilGone(stack: StackProcess): Promise<void> {
  await until(async () => expect(stack.alive()).toEqual([]), 15);
}

/** The blocks there were are there still, with the same hashes, and these are all the payments, once each. */
function expectContinued(before: readonly Block[], after: readonly Block[], txIds: readonly string[]): void {
  expect(after.slice(0, before.length).map(({ hash }) => hash)).toEqual(before.map(({ hash }) => hash));
  expect(minedIds(after).toSorted()).toEqual(txIds.toSorted());
}

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
    await first.operate("/api/vdc/mine?wait=60", "POST");
    const before = await first.verifiedChain();
    const waiting = await first.payAndAdmit(3);

    killIt(first);
    await untilGone(first);

    const second = await desk.start(BY_ITSELF);
    await second.untilIdle();
    const after = await second.verifiedChain();
    expect(after.length).toBeGreaterThan(before.length);
    expectContinued(before, after, [...mined, ...waiting]);
  });

  it(
    "loses nothing and mines nothing twice, whenever it is killed while it mines",
    { timeout: 180_000 },
    async (context) => {
      const desk = new Desk(context);
      const txIds: string[] = [];
      let before: readonly Block[] = [];
      let stack = await desk.start(BY_ITSELF);
      // milliseconds after the request: about before, while and after each stage does its work
      for (const moment of [0, 30, 80, 160, 320]) {
        txIds.push(...(await stack.payAndAdmit(3)));
        void stack.operate("/api/vdc/mine", "POST").catch(() => {}); // its answer may not come any more
        await wait(moment);
        kill(-stack.wrapper, "SIGKILL");
        await untilGone(stack);

        stack = await desk.start(BY_ITSELF);
        await stack.untilIdle();
        const after = await stack.verifiedChain();
        expectContinued(before, after, txIds);
        before = after;
      }
    },
  );

  it("mines every object of pending/, those too that the chain head was not told of", async (context) => {
    const desk = new Desk(context);
    const stack = await desk.start(ON_REQUEST);
    const admitted = await stack.payAndAdmit(2);
    const paying = Array.from({ length: 40 }, () => stack.pay());
    await Promise.any(paying);
    kill(-stack.wrapper, "SIGKILL");
    await Promise.allSettled(paying);
    await untilGone(stack);
    // No block is made yet: with its state gone, the chain head has been told of none of them.
    rmSync(join(desk.directory, "platform", "do"), { recursive: true });
    const written = [...(await storedObjects(desk.directory, r2Keys.pendingPrefix)).keys()].map((key) =>
      String(txIdOfPendingKey(key)),
    );
    expect(written).toEqual(expect.arrayContaining(admitted));

    const again = await desk.start(BY_ITSELF);
    await again.untilIdle();
    expect(minedIds(await again.verifiedChain()).toSorted()).toEqual(written.toSorted());
  });

  it("finishes a sealed block with the very bytes that were signed before the kill", async (context) => {
    const desk = new Desk(context);
    const stack = await desk.start(ON_REQUEST);
    const first = await stack.payAndAdmit(2);
    await stack.operate("/api/vdc/mine?wait=60", "POST");
    const txIds = [...first, ...(await stack.payAndAdmit(2))];
    expect((await stack.setFault({ kind: "fail", status: 503, on: "upload" })).status).toBe(200);
    await stack.operate("/api/vdc/mine", "POST");
    await until(async () => expect((await stack.status()).inFlight).toMatchObject([{ state: "sealed" }]));
    kill(-stack.wrapper, "SIGKILL");
    await untilGone(stack);
    const staged = [...(await storedObjects(desk.directory, r2Keys.sealedPrefix(2))).keys()];
    expect(staged).toHaveLength(1);

    const again = await desk.start(ON_REQUEST); // the pinning service is back; nobody asks for mining
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
      if (to === "to npm alone") txIds.push(await stack.pay()); // Ctrl-C takes the queues with it

      kill(to === "to npm alone" ? stack.wrapper : -stack.wrapper, signal);
      const { code, stderr } = await stack.ended;
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stack.alive()).toEqual([]);
      expect(() => readFileSync(join(desk.directory, "stack.lock"))).toThrow("ENOENT");
      await (await takePort(port)).release();

      const again = await desk.start({ ...BY_ITSELF, PORT: String(port) });
      await again.untilIdle();
      expect(minedIds(await again.verifiedChain()).toSorted()).toEqual(txIds.toSorted());
    },
  );
});

describe.concurrent("npm start, where it can't", () => {
  let secrets: LocalSecrets;
  beforeAll(async () => {
    secrets = await generateSecrets();
  });

  function writeSecrets(directory: string, changed: Partial<LocalSecrets>): void {
    const lines = Object.entries({ ...secrets, ...changed }).map(([name, value]) => `${name}='${value}'`);
    writeFileSync(secretsFile(directory), `${lines.join("\n")}\n`);
  }

  it("says that the port is taken, and how to choose another", async (context) => {
    const { directory } = new Desk(context);
    const taken = await takePort(0);
    try {
      const { code, stderr } = await startInVain({ VDC_DATA_DIR: directory, PORT: String(taken.port) });
      expect(stderr).toContain(`vdc: port ${taken.port} is taken`);
      expect(stderr).toContain("PORT=");
      expect(stderr).not.toMatch(/^ +at /m);
      expect(code).toBe(1);
    } finally {
      await taken.release();
    }
  });

  it("says what is wrong with PORT", async (context) => {
    const { directory } = new Desk(context);
    const { code, stderr } = await startInVain({ VDC_DATA_DIR: directory, PORT: "http" });
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: "vdc: PORT must be a number up to 65535, not http\n",
    });
  });

  it("leaves the data directory to the stack that runs on it", async (context) => {
    const desk = new Desk(context);
    const stack = await desk.start(ON_REQUEST);
    const { code, stderr } = await startInVain({ VDC_DATA_DIR: desk.directory });
    expect(stderr).toContain(`another stack (process ${stack.program}) runs on ${desk.directory}`);
    expect(code).toBe(1);
    expect((await fetch(`${stack.url}/api/health`)).status).toBe(200);
    expect(stack.alive()).toEqual(stack.processes);
  });

  const keyring = () => JSON.parse(secrets.SYSTEM_KEYRING) as Keyring;
  interface Keyring {
    signing: { keyId: string; seed: string; status: string }[];
    encryption: { keyId: string; seed: string; status: string }[];
  }
  const changed = (change: (keys: Keyring) => void) => {
    const keys = keyring();
    change(keys);
    return JSON.stringify(keys);
  };

  const broken: [
    what: string,
    said: RegExp,
    secrets: () => Promise<Partial<LocalSecrets>> | Partial<LocalSecrets>,
  ][] = [
    [
      "a placeholder for a signing seed",
      /placeholder/,
      () => ({
        SYSTEM_KEYRING: changed(({ signing }) => signing.forEach((key) => (key.seed = "A".repeat(43)))),
      }),
    ],
    [
      "a keyId that is not that of its seed",
      /keyId of signing\[0\] does not belong to its seed/,
      () => ({
        SYSTEM_KEYRING: changed(({ signing }) => signing.forEach((key) => (key.keyId = "0".repeat(64)))),
      }),
    ],
    [
      "no active key",
      /no active signing key/,
      () => ({
        SYSTEM_KEYRING: changed(({ signing }) => signing.forEach((key) => (key.status = "retired"))),
      }),
    ],
    [
      "a keyring that is cut off",
      /not JSON/,
      () => ({ SYSTEM_KEYRING: secrets.SYSTEM_KEYRING.slice(0, -9) }),
    ],
    [
      "the public key of another keyring",
      /SYSTEM_ENCRYPTION_PUBLIC_KEY/,
      async () => ({ SYSTEM_ENCRYPTION_PUBLIC_KEY: (await generateSecrets()).SYSTEM_ENCRYPTION_PUBLIC_KEY }),
    ],
    ["an empty secret", /does not set SYSTEM_KEYRING/, () => ({ SYSTEM_KEYRING: "" })],
  ];

  it.for(broken)("refuses %s, and says no seed", async ([, said, change], context) => {
    const { directory } = new Desk(context);
    writeSecrets(directory, await change());
    const { code, stdout, stderr } = await startInVain({ VDC_DATA_DIR: directory });
    expect(stderr).toMatch(/^vdc: /);
    expect(stderr).toMatch(said);
    expect(stderr).not.toMatch(/^ +at /m);
    expect(code).toBe(1);
    const { signing, encryption } = keyring();
    for (const { seed } of [...signing, ...encryption])
      expect(stdout + stderr).not.toContain(seed.slice(0, 12));
    expect(stdout).not.toContain("VDC ready");
  });
});
