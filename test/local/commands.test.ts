import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EXIT } from "../../cli/output/failure.ts";
import { publicKeyOf } from "../../cli/local/stack/secrets.ts";
import { loadKeyring } from "../../shared/crypto/keyring.ts";
import { vdc } from "../support/stack/command-line.ts";
import { freePort } from "../support/stack/processes.ts";
import { minedIds } from "./local-stack.ts";
import { StackHere } from "./stack-here.ts";

const TX_ID = /vdc_tx_[0-9a-f]{40}/;

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "vdc-commands-"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const fileOf = (name: string) => join(directory, name);

describe("vdc pay", () => {
  let stack: StackHere;
  let environment: Record<string, string>;
  beforeAll(async () => {
    stack = await StackHere.start(join(directory, "pay"), { MINE_AFTER_SECONDS: "3600" });
    environment = { VDC_DATA_DIR: stack.dataDirectory, VDC_URL: stack.url };
  });
  afterAll(() => stack.stop());

  it("delivers payments that are mined, and prints their transactions", async () => {
    const before = (await stack.status()).counts.waiting;
    const paid = await vdc(["pay", "--asset", "deed", "--user", "alice", "--count", "3"], environment);
    expect(paid).toMatchObject({ code: 0, stderr: "" });
    const lines = paid.stdout.trim().split("\n");
    expect(lines).toHaveLength(3);
    for (const [i, line] of lines.entries())
      expect(line).toMatch(new RegExp(`^vdc_tx_[0-9a-f]{40} {2}asset_creation {2}deed-${i + 1}$`));
    // The command returns when the transactions can be mined, so a miner that starts now finds them.
    expect((await stack.status()).counts.waiting).toBe(before + 3);

    const plain = await vdc(["pay", "--json"], environment);
    expect(plain).toMatchObject({ code: 0, stderr: "" });
    const answer: unknown = JSON.parse(plain.stdout);
    expect(answer).toEqual({ txId: expect.stringMatching(TX_ID), type: "payment" });

    expect((await stack.status()).counts.waiting).toBe(before + 4);
    await stack.mine();
    const txIds = [...lines, plain.stdout].map((line) => String(TX_ID.exec(line)));
    const blocks = await stack.verifiedChain();
    expect(minedIds(blocks)).toEqual(expect.arrayContaining(txIds));
    expect(minedIds(blocks)).toHaveLength(before + 4);
    const assets = blocks.flatMap(({ transactions }) =>
      transactions.flatMap(({ data }) => ("assetId" in data ? [data.assetId] : [])),
    );
    expect(assets.toSorted()).toEqual(["deed-1", "deed-2", "deed-3"]);
    expect(JSON.stringify(blocks)).not.toContain("alice");
  });

  it.for(["0", "1.5", "100000"])("refuses --count %s and sends nothing", async (count) => {
    const { code, stdout, stderr } = await vdc(["pay", `--count=${count}`], environment);
    expect(code).toBe(EXIT.usage);
    expect(stderr).toContain("expected a whole number from 1 to 99999");
    expect(stdout).toBe("");
  });

  it("says that the stack can't be reached, and how to start it", async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    const { code, stdout, stderr } = await vdc(["pay", "--url", url], environment);
    expect({ code, stdout }).toEqual({ code: EXIT.unknown, stdout: "" });
    expect(stderr).toContain(`vdc: ${url} can't be reached`);
    expect(stderr).toContain("npm start");
    expect(stderr).not.toMatch(/^ +at /m);
  });

  it("refuses an asset id that could not be public, and sends nothing", async () => {
    const { waiting } = (await stack.status()).counts;
    const { code, stderr } = await vdc(["pay", "--asset", "my deed"], environment);
    expect(code).toBe(EXIT.usage);
    expect(stderr).toContain("expected 1 to 128 of A-Z a-z 0-9");
    expect((await stack.status()).counts.waiting).toBe(waiting);
  });

  it("finds the running stack through its data directory", async () => {
    const { VDC_URL: _, ...withoutUrl } = environment;
    expect(await vdc(["pay"], withoutUrl)).toMatchObject({ code: 0, stderr: "" });
  });

  it("says that there is no secret where no stack was started yet", async () => {
    const nowhere = join(directory, "nowhere");
    const { code, stderr } = await vdc(["pay"], { ...environment, VDC_DATA_DIR: nowhere });
    expect(code).toBe(EXIT.refused);
    expect(stderr).toMatch(/^vdc: there is no .*nowhere.*npm start/);
  });

  it("says why the webhook refused, when the secret is another", async () => {
    const wrong = { ...environment, STRIPE_WEBHOOK_SECRET: `whsec_${"0f".repeat(20)}` };
    const { code, stderr } = await vdc(["pay"], wrong);
    expect(code).toBe(EXIT.refused);
    expect(stderr).toMatch(/^vdc: .*signature[^]*webhook answered 400 invalid-signature/i);
    expect(stderr).not.toContain("0f0f");
  });
});

describe("users at the command line", () => {
  let stack: StackHere;
  beforeAll(async () => {
    // Each submission is mined at once, so that every command that waits ends.
    stack = await StackHere.start(join(directory, "users"), { MINE_AT_COUNT: "1" });
  });
  afterAll(() => stack.stop());

  const command = (...args: string[]) => vdc(args, { VDC_DATA_DIR: stack.dataDirectory });

  /** Runs a command and expects success. @returns its JSON output */
  async function done(...args: string[]): Promise<Record<string, never>> {
    const { code, stdout, stderr } = await command(...args, "--json");
    expect(code, stderr).toBe(0);
    return JSON.parse(stdout) as Record<string, never>;
  }

  it("register, keep a document, and pass on the asset that commits to it, of which a former owner can't dispose", async () => {
    const alice = fileOf("alice.keys.json");
    const bob = fileOf("bob.keys.json");
    expect(await done("user", "create", "--keys", alice)).toMatchObject({ state: "mined" });
    const { userId: bobsId } = await done("user", "create", "--keys", bob, "--no-wait");

    const deed = fileOf("deed.pdf");
    writeFileSync(deed, "%PDF-1.7 a deed");
    const kept = await done("document", "put", deed, "--keys", alice, "--asset", "deed-1", "--type", "deed");
    expect(kept).toMatchObject({ state: "mined", documentCid: expect.stringMatching(/^Qm/) });
    expect(
      await done("document", "get", kept.id as never, "--keys", alice, "-o", fileOf("back.pdf")),
    ).toMatchObject({
      documentHash: kept.documentHash,
    });
    expect(readFileSync(fileOf("back.pdf"), "utf8")).toBe("%PDF-1.7 a deed");
    expect((await command("document", "get", kept.id as never, "--keys", bob)).code).toBe(EXIT.refused);

    const transfer = ["tx", "transfer", "deed-1", bobsId as never, "--keys"];
    const { txId } = await done(...transfer, alice);
    expect(await done("tx", txId as never)).toMatchObject({ txId, state: "mined" });
    const again = await command(...transfer, alice);
    expect(again).toMatchObject({ code: EXIT.refused, stderr: expect.stringContaining("not-owner") });
    expect(await done(...transfer, bob)).toMatchObject({ state: "mined" });
    const twice = await command("user", "register", "--keys", alice);
    expect(twice).toMatchObject({ code: EXIT.refused, stderr: expect.stringContaining("already-exists") });
  });
});

describe("vdc keys", () => {
  it("generates a keyring with its public key, as lines of a .dev.vars file", async () => {
    const { code, stdout, stderr } = await vdc(["keys", "generate"]);
    expect(code).toBe(0);
    expect(stderr).toBe(
      "Keep SYSTEM_KEYRING secret and backed up: it signs the chain and opens what is private.\n",
    );
    const { SYSTEM_KEYRING = "", SYSTEM_ENCRYPTION_PUBLIC_KEY } = parseEnv(stdout);
    expect(SYSTEM_ENCRYPTION_PUBLIC_KEY).toBe(await publicKeyOf(SYSTEM_KEYRING));
    expect((await vdc(["keys", "generate"])).stdout).not.toBe(stdout);
  });

  it("rotates it, from a file or from stdin, and keeps the old keys", async () => {
    const { stdout } = await vdc(["keys", "generate"]);
    const { SYSTEM_KEYRING: old = "" } = parseEnv(stdout);
    const file = join(directory, "keys.secret");
    writeFileSync(file, stdout);
    const before = await loadKeyring(old);
    for (const rotated of [
      await vdc(["keys", "rotate", file]),
      await vdc(["keys", "rotate", "-"], {}, old),
    ]) {
      expect(rotated.code).toBe(0);
      const { SYSTEM_KEYRING = "" } = parseEnv(rotated.stdout);
      const after = await loadKeyring(SYSTEM_KEYRING);
      expect(after.signing.active.keyId).not.toBe(before.signing.active.keyId);
      expect(after.signing.byId(before.signing.active.keyId)?.status).toBe("retired");
    }
  });

  it("refuses to rotate what is no keyring, and repeats none of it", async () => {
    const { stdout } = await vdc(["keys", "generate"]);
    const { SYSTEM_KEYRING = "" } = parseEnv(stdout);
    const {
      code,
      stdout: said,
      stderr,
    } = await vdc(["keys", "rotate", "-"], {}, SYSTEM_KEYRING.slice(0, -5));
    expect({ code, said }).toEqual({ code: 1, said: "" });
    expect(stderr).toMatch(/^vdc: the keyring is not JSON/);
    const [, seed = "?"] = /"seed":"([\w-]+)"/.exec(SYSTEM_KEYRING) ?? [];
    expect(stderr).not.toContain(seed.slice(0, 12));
  });

  it("says it when the keyring's file can't be read", async () => {
    const { code, stderr } = await vdc(["keys", "rotate", join(directory, "nowhere")]);
    expect(code).toBe(EXIT.notFound);
    expect(stderr).toMatch(/^vdc: .*nowhere can't be read, for there is no such file/);
    expect(stderr).not.toContain("    at ");
  });
});

describe("vdc", () => {
  it("shows its commands, and refuses what it does not know", async () => {
    const help = await vdc(["--help"]);
    expect(help.code).toBe(0);
    expect(help.stdout).toMatch(/pay[^]*keys/);
    const unknown = await vdc(["mien"]);
    expect(unknown.code).toBe(EXIT.usage);
    expect(unknown.stderr).toContain("unknown command 'mien'");
  });
});
