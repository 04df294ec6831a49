import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { writeCar } from "../../../cli/car/write.ts";
import { EXIT } from "../../../cli/output/failure.ts";
import type { Block } from "../../../shared/chain/block.ts";
import { genesis, payment, signerOf, TestChain } from "../../support/chain/chain.ts";
import { vdc } from "../../support/stack/command-line.ts";
import { asFiles, publishing, scratch } from "./chains.ts";
import { serve } from "./server.ts";

let chain: readonly Block[];
/** The same genesis; one payment is dropped, and a thief of the system's key signed all that follows anew. */
let changed: readonly Block[];
beforeAll(async () => {
  const signer = await signerOf("the operator");
  const [honest, forged] = [new TestChain(), new TestChain()];
  const first = genesis(signer);
  for (const one of [honest, forged]) await one.add([first], signer);
  await honest.add([payment("kept"), payment("dropped")], signer);
  await forged.add([payment("kept")], signer);
  for (const one of [honest, forged]) await one.add([payment("later")], signer);
  [chain, changed] = [honest.blocks, forged.blocks];
});

const published = async (blocks: readonly Block[]) => serve(await publishing(blocks));
const noted = (number: number) => `${number}:${chain[number]?.hash ?? ""}`;

async function verify(blocks: readonly Block[], ...more: string[]) {
  const { url } = await published(blocks);
  const { hash = "" } = chain[0] ?? {};
  const { code, stdout } = await vdc(["verify", "--url", url, "--genesis", hash, "--json", ...more]);
  return { code, document: JSON.parse(stdout) as Record<string, unknown> };
}

describe("vdc verify of a chain that was signed anew with the stolen system key", () => {
  it("finds nothing with the genesis hash alone, for both chains are sound", async () => {
    expect((await verify(chain)).code).toBe(EXIT.ok);
    expect((await verify(changed)).code).toBe(EXIT.ok);
  });

  it("finds it with a head that was noted before", async () => {
    expect((await verify(chain, "--head", noted(2))).code).toBe(EXIT.ok);
    expect((await verify(chain, "--head", noted(1))).code).toBe(EXIT.ok);
    for (const number of [1, 2])
      expect(await verify(changed, "--head", noted(number))).toMatchObject({
        code: EXIT.unverified,
        document: { verified: false, blockNumber: number, fault: "not_continued" },
      });
  });

  it("finds it with the state of an earlier verification", async () => {
    const state = join(scratch(), "chain.state");
    expect((await verify(chain, "--state", state, "--head", noted(1))).code).toBe(EXIT.ok);
    expect((await verify(chain, "--state", state, "--head", noted(1))).code).toBe(EXIT.ok);
    expect(await verify(changed, "--state", state)).toMatchObject({
      code: EXIT.unverified,
      document: { fault: "not_continued" },
    });
  });

  it("finds that a noted block was cut off", async () => {
    expect(await verify(chain.slice(0, 2), "--head", noted(2))).toMatchObject({
      code: EXIT.unverified,
      document: { blockNumber: 2, fault: "not_continued" },
    });
  });

  it("finds it in a file, too", async () => {
    const file = join(scratch(), "chain.car");
    await writeCar(file, asFiles(changed));
    expect((await vdc(["verify", file, "--head", noted(1)])).code).toBe(EXIT.unverified);
  });

  it("refuses a head that is not a number and a hash", async () => {
    for (const head of ["1", "1:abc", `01:${"0".repeat(64)}`, `:${"0".repeat(64)}`])
      expect((await vdc(["verify", "--head", head])).code).toBe(EXIT.usage);
  });
});
