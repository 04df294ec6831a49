import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EXIT } from "../../cli/failure.ts";
import { StackProcess, vdc as vdcProcess, type Ended } from "./stack-process.ts";

let directory: string;
let stack: StackProcess;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "vdc-user-"));
  // Whatever is submitted is mined at once, so that every command that waits comes to its end.
  stack = await StackProcess.start(join(directory, "stack"), { MINE_AT_COUNT: "1" });
}, 120_000);

afterAll(async () => {
  await stack.end();
  rmSync(directory, { recursive: true, force: true });
});

const here = (name: string) => join(directory, name);
const vdc = (...args: string[]): Promise<Ended> => vdcProcess(args, { VDC_DATA_DIR: stack.dataDirectory });

/** What a command that must succeed answers. */
async function done(...args: string[]): Promise<Record<string, never>> {
  const { code, stdout, stderr } = await vdc(...args, "--json");
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as Record<string, never>;
}

describe("users at the command line", () => {
  it("register, keep a document, and pass on the asset that commits to it, of which a former owner can't dispose", async () => {
    const alice = here("alice.keys.json");
    const bob = here("bob.keys.json");
    expect(await done("user", "create", "--keys", alice)).toMatchObject({ state: "mined" });
    const { userId: bobsId } = await done("user", "create", "--keys", bob, "--no-wait");

    const deed = here("deed.pdf");
    writeFileSync(deed, "%PDF-1.7 a deed");
    const kept = await done("document", "put", deed, "--keys", alice, "--asset", "deed-1", "--type", "deed");
    expect(kept).toMatchObject({ state: "mined", documentCid: expect.stringMatching(/^Qm/) });
    expect(
      await done("document", "get", kept.id as never, "--keys", alice, "-o", here("back.pdf")),
    ).toMatchObject({
      documentHash: kept.documentHash,
    });
    expect(readFileSync(here("back.pdf"), "utf8")).toBe("%PDF-1.7 a deed");
    expect((await vdc("document", "get", kept.id as never, "--keys", bob)).code).toBe(EXIT.refused);

    const transfer = ["tx", "transfer", "deed-1", bobsId as never, "--keys"];
    const { txId } = await done(...transfer, alice);
    expect(await done("tx", txId as never)).toMatchObject({ txId, state: "mined" });
    const again = await vdc(...transfer, alice);
    expect(again).toMatchObject({ code: EXIT.refused, stderr: expect.stringContaining("not_owner") });
    expect(await done(...transfer, bob)).toMatchObject({ state: "mined" });
    const twice = await vdc("user", "register", "--keys", alice);
    expect(twice).toMatchObject({ code: EXIT.refused, stderr: expect.stringContaining("already-exists") });
  });
});
