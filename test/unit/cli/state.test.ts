import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { writeCar } from "../../../cli/car/write.ts";
import { ChainState } from "../../../cli/chain/state.ts";
import { verifyChain } from "../../../cli/chain/verify.ts";
import { EXIT } from "../../../cli/output/failure.ts";
import type { Block } from "../../../shared/chain/block.ts";
import { ChainVerifier } from "../../../shared/chain/verify-chain.ts";
import { vdc } from "../../support/stack/command-line.ts";
import { asFiles, asSource, chainOf, publishing, scratch } from "./chains.ts";
import { serve, type Served } from "./server.ts";

let chain: readonly Block[];
let other: readonly Block[];
beforeAll(async () => {
  chain = await chainOf(9);
  other = await chainOf(9, "another operator");
});

const published = async (blocks: readonly Block[]) => serve(await publishing(blocks));
/** Returns the numbers of the requested blocks. */
const blocksOf = ({ asked }: Served) =>
  asked.flatMap(({ path }) => /\/api\/vdc\/blocks\/(\d+)$/.exec(path)?.[1] ?? []).map(Number);

async function verify(stack: Served, state: string, ...more: string[]) {
  const { code, stdout } = await vdc(["verify", "--url", stack.url, "--state", state, "--json", ...more]);
  return { code, document: JSON.parse(stdout) as Record<string, unknown> };
}

describe("vdc verify --state", () => {
  it("goes on where it ended, and reports all that was verified", async () => {
    const state = join(scratch(), "chain.state");
    const first = await verify(await published(chain.slice(0, 5)), state);
    expect(first).toMatchObject({ code: EXIT.ok, document: { blocks: 5 } });
    expect(first.document).not.toHaveProperty("verifiedBefore");
    const stack = await published(chain);
    const second = await verify(stack, state);
    expect(Math.min(...blocksOf(stack))).toBe(4); // block 4 is compared with its saved copy
    const whole = await vdc(["verify", "--url", stack.url, "--json"]);
    expect(second).toEqual({
      code: EXIT.ok,
      document: { ...(JSON.parse(whole.stdout) as object), verifiedBefore: 5 },
    });
  });

  it("goes on in an export from what a deployment published, and the other way round", async () => {
    const directory = scratch();
    const [state, file] = [join(directory, "chain.state"), join(directory, "chain.car")];
    await verify(await published(chain.slice(0, 5)), state);
    await writeCar(file, asFiles(chain));
    const { code, stdout } = await vdc(["verify", file, "--state", state, "--json"]);
    expect({ code, ...JSON.parse(stdout) }).toMatchObject({ code: EXIT.ok, blocks: 9, verifiedBefore: 5 });
    expect((await verify(await published(chain), state)).document).toMatchObject({ verifiedBefore: 9 });
  });

  it("finds out that the chain was cut, or is another one than before", async () => {
    const state = join(scratch(), "chain.state");
    await verify(await published(chain), state);
    for (const blocks of [chain.slice(0, 7), other])
      expect(await verify(await published(blocks), state)).toMatchObject({
        code: EXIT.unverified,
        document: { verified: false, blockNumber: 8, fault: "not_continued" },
      });
    expect((await verify(await published(chain), state)).code).toBe(EXIT.ok);
  });

  it("takes the genesis that is known from elsewhere, and no other", async () => {
    const state = join(scratch(), "chain.state");
    await verify(await published(chain), state);
    const { hash } = chain[0] as Block;
    expect((await verify(await published(chain), state, "--genesis", hash)).code).toBe(EXIT.ok);
    expect(await verify(await published(chain), state, "--genesis", "0".repeat(64))).toMatchObject({
      code: EXIT.unverified,
      document: { fault: "wrong_genesis" },
    });
  });

  it("keeps nothing of a block that does not verify", async () => {
    const state = join(scratch(), "chain.state");
    const answers = await publishing(chain);
    const stack = await serve((asked) =>
      asked.path === "/api/vdc/blocks/6" ? answers({ ...asked, path: "/api/vdc/blocks/7" }) : answers(asked),
    );
    expect((await verify(stack, state)).document).toMatchObject({ verified: false, blockNumber: 6 });
    expect((await verify(await published(chain), state)).document).toMatchObject({
      verifiedBefore: 6,
      blocks: 9,
    });
  });

  it("refuses a file that is no state, and leaves it as it was", async () => {
    const state = join(scratch(), "keys.json");
    writeFileSync(state, "something else altogether");
    const { code, stderr } = await vdc(["verify", "--url", "http://127.0.0.1:1", "--state", state]);
    expect({ code, stderr }).toEqual({
      code: EXIT.failure,
      stderr: expect.stringContaining(`${state} can't be used`),
    });
    expect(readFileSync(state, "utf8")).toBe("something else altogether");
  });
});

const exported = async (stack: Served, file: string, state: string) => {
  const { code, stdout } = await vdc([
    "export",
    file,
    "--url",
    stack.url,
    "--state",
    state,
    "--yes",
    "--json",
  ]);
  return { code, document: JSON.parse(stdout || "{}") as Record<string, unknown> };
};

describe("vdc export --state", () => {
  it("reads only what came since, and gives the same file as an export from genesis on", async () => {
    const directory = scratch();
    const [file, state, whole] = ["chain.car", "chain.state", "whole.car"].map((name) =>
      join(directory, name),
    ) as [string, string, string];
    expect((await exported(await published(chain.slice(0, 5)), file, state)).code).toBe(EXIT.ok);
    const stack = await published(chain);
    expect((await exported(stack, file, state)).document).toMatchObject({ blocks: 9 });
    expect(Math.min(...blocksOf(stack))).toBe(4);
    await writeCar(whole, asFiles(chain));
    expect(readFileSync(file).equals(readFileSync(whole))).toBe(true);
  });

  it("goes on where it ended early", async () => {
    const directory = scratch();
    const [file, state] = [join(directory, "chain.car"), join(directory, "chain.state")];
    const answers = await publishing(chain);
    const failing = await serve((asked) =>
      asked.path === "/api/vdc/blocks/6" ? { status: 400, problem: "invalid-parameter" } : answers(asked),
    );
    expect((await exported(failing, file, state)).code).not.toBe(EXIT.ok);
    expect(existsSync(file)).toBe(false);
    const stack = await published(chain);
    expect((await exported(stack, file, state)).document).toMatchObject({ blocks: 9 });
    expect(Math.min(...blocksOf(stack))).toBe(5);
    expect((await vdc(["verify", file])).code).toBe(EXIT.ok);
  });

  it("takes nothing from the file of before that is not what was verified", async () => {
    const directory = scratch();
    const [file, state] = [join(directory, "chain.car"), join(directory, "chain.state")];
    await exported(await published(chain.slice(0, 5)), file, state);
    await writeCar(file, asFiles(other));
    expect((await exported(await published(chain), file, state)).document).toMatchObject({ blocks: 9 });
    const { stdout } = await vdc(["verify", file, "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ verified: true, genesisHash: chain[0]?.hash });
  });
});

describe("the memory of a verification", () => {
  it("tells the same on disk as in this process, block by block", async () => {
    const state = ChainState.open();
    const inProcess = new ChainVerifier();
    for await (const { block, bytes } of verifyChain(asSource(chain), undefined, state)) {
      await inProcess.add(bytes);
      expect(state.end).toMatchObject({ next: block.blockNumber + 1, hash: block.hash });
      expect(Object.keys(state.end?.nodes ?? {}).length).toBeLessThan(5);
    }
    state.close();
  });
});
