import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { writeCar } from "../../../cli/car/write.ts";
import { EXIT } from "../../../cli/output/failure.ts";
import { blockBytes, type Block } from "../../../shared/chain/block.ts";
import { CHAIN_ID } from "../../support/chain/chain.ts";
import { asFiles, chainOf, scratch } from "./chains.ts";
import { calls, deployment, SECRET, vdc } from "./in-process.ts";
import { RUN } from "./run.ts";
import type { Answered, Asked, Served } from "./server.ts";

const restored: Answered = { status: 202, body: { ...RUN, kind: "restore", state: "done" } };
const lost: Answered = { body: { chainId: CHAIN_ID, latestBlock: null } };

async function carOf(blocks: readonly Block[]): Promise<string> {
  const file = join(scratch(), "chain.car");
  await writeCar(file, asFiles(blocks));
  return file;
}

function forgetfulDeployment(chain: readonly Block[], wellKnown = lost): Promise<Served> {
  const puts = chain.map(({ blockNumber }) => [
    `PUT /api/storage-verify/blocks/${blockNumber}`,
    { body: { blockNumber, stored: true } },
  ]);
  return deployment({
    "GET /.well-known/vdc.json": wellKnown,
    "POST /api/storage-verify/restore": restored,
    ...Object.fromEntries(puts),
  });
}

const puts = ({ asked }: Served): readonly Asked[] => asked.filter(({ method }) => method === "PUT");

describe("vdc restore", () => {
  it("puts back each block's own bytes, and only then has the chain head rebuilt, with the reason", async () => {
    const chain = await chainOf(9);
    const stack = await forgetfulDeployment(chain);
    const { code } = await vdc(stack, "restore", await carOf(chain), "--reason", "all lost", "--yes");
    expect(code).toBe(0);
    const sent = new Map(puts(stack).map(({ path, body }) => [path, body]));
    for (const block of chain)
      expect(sent.get(`/api/storage-verify/blocks/${block.blockNumber}`)).toBe(
        Buffer.from(blockBytes(block)).toString(),
      );
    expect(stack.asked.at(-1)).toMatchObject({
      path: "/api/storage-verify/restore",
      body: '{"reason":"all lost"}',
    });
    for (const { headers } of stack.asked)
      expect(headers).toMatchObject({ "x-admin-secret": SECRET, "x-operator": "alice" });
  });

  it("sends nothing of a file that does not verify to its last block", async () => {
    const chain = await chainOf(4);
    const other = await chainOf(5);
    const stack = await forgetfulDeployment(chain);
    const file = await carOf([...chain.slice(0, 3), { ...(other[3] as Block), timestamp: 5 }]);
    expect((await vdc(stack, "restore", file, "--reason", "r", "--yes")).code).toBe(EXIT.unverified);
    const whole = readFileSync(file);
    writeFileSync(file, whole.with(whole.length - 700, (whole.at(-700) as number) ^ 1));
    expect((await vdc(stack, "restore", file, "--reason", "r", "--yes")).code).toBe(EXIT.unverified);
    expect(stack.asked).toEqual([]);
  });

  it("sends nothing to a deployment of another chain, or to one that has its chain", async () => {
    const chain = await chainOf(2);
    const file = await carOf(chain);
    for (const body of [
      { chainId: "vdc-other", latestBlock: null },
      { chainId: CHAIN_ID, latestBlock: 41 },
    ]) {
      const stack = await forgetfulDeployment(chain, { body });
      expect((await vdc(stack, "restore", file, "--reason", "r", "--yes")).code).toBe(EXIT.refused);
      expect(calls(stack)).toEqual(["GET /.well-known/vdc.json"]);
    }
  });

  it("takes no --genesis where there is no file to check it against", async () => {
    const stack = await forgetfulDeployment([]);
    const args = ["restore", "--genesis", "a".repeat(64), "--reason", "r", "--yes"];
    expect((await vdc(stack, ...args)).code).toBe(EXIT.usage);
    expect(stack.asked).toEqual([]);
  });

  it("asks first, and where nobody can be asked, wants --yes", async () => {
    const chain = await chainOf(2);
    const stack = await forgetfulDeployment(chain);
    for (const args of [[await carOf(chain)], []]) {
      const { code, stderr } = await vdc(stack, "restore", ...args, "--reason", "r");
      expect(code).toBe(EXIT.usage);
      expect(stderr).toContain("--yes");
    }
    expect(calls(stack)).toEqual(["GET /.well-known/vdc.json"]);
  });
});
