import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { stripVTControlCharacters } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EXIT } from "../../cli/output/failure.ts";
import { ROOT } from "../../cli/local/stack/workers.ts";
import { vdc as run, type Ran } from "../support/stack/command-line.ts";
import { freePort } from "../support/stack/processes.ts";
import { outputs, startMinedChain, type MinedChain } from "./mined-chain.ts";
import { run as runProgram, VDC } from "./program.ts";
import { HAS_TERMINAL, vdcAtTerminal } from "./terminal.ts";

const NOWHERE = "f".repeat(40);

let chain: MinedChain;
let directory: string;
let txIds: readonly string[];
let secrets: readonly string[];

beforeAll(async () => {
  chain = await startMinedChain();
  ({ directory, txIds, secrets } = chain);
});
afterAll(() => chain.end());

/** Runs a command, which must never print a secret. */
async function vdc(
  args: readonly string[],
  more: Readonly<Record<string, string>> = {},
  input?: string,
): Promise<Ran> {
  const ran = await run(args, { ...chain.environment, ...more }, input);
  for (const secret of secrets) expect(ran.stdout + ran.stderr).not.toContain(secret);
  return ran;
}

async function vdcJson(args: readonly string[]): Promise<{ code: number; document: never }> {
  const { code, stdout } = await vdc([...args, "--json"]);
  return { code, document: JSON.parse(stdout) as never };
}

describe("what a command says", () => {
  it.for(outputs)("vdc $name: text to a pipe, without colours", async ({ command, text }) => {
    const { code, stdout } = await vdc(command(String(txIds[2])));
    expect(stdout).toMatch(text);
    expect(stdout).not.toContain("\u001b");
    expect(code).toBe(0);
  });

  it.for(outputs)("vdc $name --json: one JSON document and nothing else", async ({ command, document }) => {
    expect(await vdcJson(command(String(txIds[2])))).toMatchObject({ code: 0, document });
  });
});

describe.runIf(HAS_TERMINAL)("a command at a terminal (needs `script` of util-linux)", () => {
  it("prints a table with colours", async () => {
    const { code, screen } = await vdcAtTerminal(["status"], chain.environment);
    expect(screen).toContain("\u001b[1m");
    expect(stripVTControlCharacters(screen)).toMatch(/^latest block +[2-9]$/m);
    for (const secret of secrets) expect(screen).not.toContain(secret);
    expect(code).toBe(0);
  });
});

describe("a command in a process of its own", () => {
  it("reads stdin, writes its failure to stderr, and ends with its exit code", async () => {
    const keyring = JSON.stringify({ signing: [] }).slice(0, -1);
    expect(await runProgram(VDC, ["keys", "rotate", "-"], {}, keyring).ended).toMatchObject({
      code: EXIT.failure,
      stdout: "",
      stderr: expect.stringMatching(/^vdc: the keyring is not JSON/),
    });
  });

  it("ends with 0 when its reader has seen enough", async () => {
    const { child, ended } = runProgram(VDC, ["--help"]);
    child.stdout?.destroy();
    expect(await ended).toMatchObject({ code: 0, stdout: "", stderr: "" });
  });
});

describe("vdc mine", () => {
  it("says it when nothing waits", async () => {
    const { code, stdout } = await vdc(["mine"]);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: "nothing is mined: no transaction waits to be mined\n",
    });
  });

  it("waits for the block, and is in the audit log under the operator's name", async () => {
    const paid = await vdc(["pay", "--json"]);
    const { txId } = JSON.parse(paid.stdout) as { txId: string };
    const mined = await vdcJson(["mine", "--wait", "60"]);
    expect(mined).toMatchObject({
      code: 0,
      document: { transactions: 1, ipfsHash: expect.stringMatching(/^Qm/) },
    });
    const { blockNumber } = mined.document as { blockNumber: number };
    expect((await vdcJson(["tx", txId])).document).toMatchObject({ state: "mined", blockNumber });
    const { document } = await vdcJson(["audit", "list", "--limit", "2"]);
    expect(document).toMatchObject({
      entries: [{ action: "POST /api/vdc/mine", operator: { name: "alice", by: "secret" } }, {}],
    });
  });
});

describe("vdc resume", () => {
  it("does nothing to a chain that is not halted, and says so", async () => {
    const { code, document } = await vdcJson(["resume", "--reason", "a test", "--yes"]);
    expect({ code, document }).toEqual({ code: 0, document: { resumed: false, halted: null } });
  });
});

describe("an export", () => {
  it("is verified offline, is the same each time, and is not taken when a byte is another [T62 T63 T78]", async () => {
    const file = join(directory, "chain.car");
    const { code, document } = await vdcJson(["export", file]);
    expect({ code, document }).toMatchObject({
      code: 0,
      document: { file, root: expect.stringMatching(/^Qm/) },
    });
    const again = join(directory, "again.car");
    await vdc(["export", again]);
    expect(readFileSync(again).equals(readFileSync(file))).toBe(true);

    const offline = { VDC_URL: `http://127.0.0.1:${await freePort()}` };
    const { genesisHash } = document as { genesisHash: string };
    expect((await vdc(["verify", file, "--genesis", genesisHash], offline)).code).toBe(0);
    expect((await vdc(["verify", file, "--genesis", "0".repeat(64)], offline)).code).toBe(EXIT.unverified);

    const bytes = readFileSync(file);
    writeFileSync(again, bytes.with(5_000, (bytes[5_000] as number) ^ 1));
    const refused = await vdc(["verify", again, "--json"], offline);
    expect(refused.code).toBe(EXIT.unverified);
    expect(JSON.parse(refused.stdout)).toMatchObject({ verified: false });
    expect(refused.stderr).toContain("is not a sound CAR file");
  });

  it("goes, where npm was called, to a file that names the chain and its last block", async () => {
    const here = mkdtempSync(join(directory, "here-"));
    const { latest } = (await vdcJson(["status"])).document as { latest: number };
    expect(
      (await vdc(["export"], { npm_package_json: join(ROOT, "package.json"), INIT_CWD: here })).code,
    ).toBe(0);
    expect(readdirSync(here)).toEqual([`vdc-main-${latest}.car`]);
  });

  it("gives back a block, and is not wanted where nothing is lost", async () => {
    const file = join(directory, "bring.car");
    await vdc(["export", file]);
    expect(await vdcJson(["storage", "bring", "1", file])).toMatchObject({
      code: 0,
      document: { stored: true },
    });
    expect((await vdc(["storage", "bring", "99", file])).code).toBe(EXIT.notFound);
    const { code, stderr } = await vdc(["restore", file, "--reason", "a test", "--yes"]);
    expect(code).toBe(EXIT.refused);
    expect(stderr).toContain("there is nothing to restore");
  });
});

describe("an exit code says what happened:", () => {
  const cases: [code: number, what: string, args: () => Promise<readonly string[]> | readonly string[]][] = [
    [EXIT.usage, "an unknown command", () => ["mien"]],
    [EXIT.usage, "an unknown option", () => ["status", "--secret", "x"]],
    [EXIT.usage, "a malformed argument", () => ["tx", "vdc_tx_1"]],
    [EXIT.usage, "no command", () => []],
    [EXIT.usage, "no reason where one is needed", () => ["restore", "--yes"]],
    [EXIT.usage, "nobody to ask and no --yes", () => ["restore", "--reason", "a test"]],
    [EXIT.usage, "a chain that is to go on without anyone's yes", () => ["resume", "--reason", "a test"]],
    [
      EXIT.usage,
      "a secret that would go over the network in clear",
      () => ["status", "--url", "http://192.0.2.1"],
    ],
    [EXIT.notFound, "a block that is not there", () => ["block", "4711"]],
    [EXIT.notFound, "a transaction that nobody knows", () => ["tx", `vdc_tx_${NOWHERE}`]],
    [EXIT.notFound, "a file that is not there", () => ["verify", "/nowhere/chain.car"]],
    [
      EXIT.notFound,
      "a run that nobody knows",
      () => ["storage", "runs", "1b7c0b7e-0000-4000-8000-000000000001"],
    ],
    [EXIT.notFound, "a dead letter that nobody knows", () => ["dead-letters", "show", "0".repeat(32)]],
    [EXIT.refused, "a restore that is not needed", () => ["restore", "--reason", "a test", "--yes"]],
    [
      EXIT.unknown,
      "a deployment that can't be reached",
      async () => ["block", "1", "--url", `http://127.0.0.1:${await freePort()}`],
    ],
    [
      EXIT.unknown,
      "an address where something else answers",
      () => ["block", "1", "--url", chain.stack.pinningUrl],
    ],
  ];
  it.for(cases)("%i for %s", async ([code, , args]) => {
    const ended = await vdc(await args(), { VDC_ADMIN_SECRET: String(secrets[0]) });
    expect(ended).toMatchObject({ code, stdout: "" });
    expect(ended.stderr).not.toMatch(/^ {4}at .*:\d+/m); // a stack trace
    expect(ended.stderr.length).toBeGreaterThan(20);
  });

  it(`${EXIT.unknown} for a doctor that can't reach its patient, after what it could look at`, async () => {
    const { code, stdout } = await vdc(["doctor", "--url", `http://127.0.0.1:${await freePort()}`]);
    expect(stdout).toMatch(/^✓ +tools[^]*^\? +reachable/m);
    expect(code).toBe(EXIT.unknown);
  });

  it(`${EXIT.refused} for a secret that is another, which is repeated nowhere`, async () => {
    const wrong = "some-other-secret-entirely";
    const { code, stdout, stderr } = await vdc(["status"], { VDC_ADMIN_SECRET: wrong });
    expect({ code, stdout }).toEqual({ code: EXIT.refused, stdout: "" });
    expect(stderr).not.toContain(wrong);
  });
});

describe("the operator's secret", () => {
  it("stands in no command line while a command runs [T28]", async () => {
    const { child, ended } = runProgram(VDC, ["mine", "--wait", "5"], chain.environment);
    const seen = new Set<string>();
    do {
      for (const line of commandLines()) seen.add(line);
      await wait(50);
    } while (child.exitCode === null);
    expect(await ended).toMatchObject({ code: 0, stdout: expect.stringContaining("nothing is mined") });
    const ours = [...seen].filter((line) => line.includes("cli/vdc.ts"));
    expect(ours.length).toBeGreaterThan(0);
    for (const secret of secrets) expect(ours.join("\n")).not.toContain(secret);
  });
});

function commandLines(): readonly string[] {
  if (!existsSync("/proc")) return ["cli/vdc.ts: no /proc to look at"];
  return readdirSync("/proc").flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return [];
    try {
      return [readFileSync(`/proc/${pid}/cmdline`, "utf8")];
    } catch {
      return []; // the process has ended
    }
  });
}

describe("vdc privacy", () => {
  const because = ["--reason", "request 12"];

  it("shows what is private with the local stack's keys, erases it when that is confirmed, and the chain still verifies", async () => {
    const [txId = "", other = ""] = txIds;
    const shown = await vdc(["privacy", "show", txId, ...because]);
    expect(shown).toMatchObject({ code: 0, stdout: expect.stringMatching(/^ +"customerEmail": "[^"]+@/m) });
    expect(shown.stdout).toContain("the block is what it claims, and commits to this private part");
    const { document } = await vdcJson(["privacy", "show", other, ...because]);
    expect(document).toMatchObject({ txId: other, blockNumber: 1, source: "archive", private: { part: {} } });

    const asked = await vdc(["privacy", "erase", txId, ...because]);
    expect([asked.code, asked.stderr]).toEqual([EXIT.usage, expect.stringContaining("--yes")]);
    expect((await vdc(["privacy", "show", txId, ...because])).code).toBe(0);
    const erased = await vdc(["privacy", "erase", txId, ...because, "--yes"]);
    expect(erased).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^no more in +private\/1\.json$/m),
    });
    const gone = await vdc(["privacy", "show", txId, ...because]);
    expect([gone.code, gone.stderr]).toEqual([EXIT.notFound, expect.stringContaining("410 erased")]);
    expect((await vdc(["verify"])).code).toBe(0);
    expect((await vdc(["export", join(directory, "erased.car")])).code).toBe(0);
    expect((await vdc(["storage", "verify-all", "--no-repair"])).stdout).toMatch(/^failed +0$/m);
  });

  it("says what is missing: the keys, or the transaction", async () => {
    const [, , txId = ""] = txIds;
    const file = join(directory, "other.secret");
    writeFileSync(file, (await vdc(["keys", "generate"])).stdout);
    const foreign = await vdc(["privacy", "show", txId, ...because, "--keyring", file]);
    expect([foreign.code, foreign.stderr]).toEqual([
      EXIT.failure,
      expect.stringContaining("which is not in this keyring"),
    ]);
    const unknown = await vdc(["privacy", "show", `vdc_tx_${NOWHERE}`, ...because]);
    expect(unknown.code).toBe(EXIT.notFound);
    const unread = await vdc(["privacy", "show", txId, ...because, "--keyring", join(directory, "nowhere")]);
    expect(unread.code).toBe(EXIT.notFound);
    expect((await vdc(["privacy", "erase", txId])).code).toBe(EXIT.usage);
  });
});
