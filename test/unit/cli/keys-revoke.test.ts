import { beforeAll, describe, expect, it } from "vitest";
import { EXIT } from "../../../cli/output/failure.ts";
import type { Block } from "../../../shared/chain/block.ts";
import {
  chainKeys,
  genesis,
  payment,
  revocation,
  rotation,
  signerOf,
  TestChain,
  type Signer,
} from "../../support/chain/chain.ts";
import { chainOf, publishing } from "./chains.ts";
import { calls, deployment, vdc } from "./in-process.ts";
import { serve } from "./server.ts";

let first: Signer;
let second: Signer;
/** Block 2 announces the second key. Block 4 revokes the first key from block 1 on. */
let blocks: readonly Block[];
beforeAll(async () => {
  [first, second] = await Promise.all([signerOf("first"), signerOf("second")]);
  const chain = new TestChain();
  await chain.add([genesis(first)], first);
  await chain.add([payment("a")], first);
  await chain.add([rotation(second), payment("b")], first);
  await chain.add([payment("c")], second);
  await chain.add([revocation(first, 1)], second);
  blocks = chain.blocks;
});

describe("vdc verify, of a chain with a revoked key", () => {
  it("names the blocks that are not to be trusted and why, says that all else holds, and has an exit code of its own", async () => {
    const { code, stdout, stderr } = await vdc(await serve(await publishing(blocks)), "verify");
    expect(code).toBe(EXIT.untrusted);
    expect(stdout).toContain(
      `blocks 1 to 2, signed by key ${first.keyId}, which block 4 revokes from block 1 on: stolen`,
    );
    expect(stderr).toContain("vdc: the chain is whole, but a revoked key signed blocks 1 to 2: compare");
  });

  it("gives programs the same", async () => {
    const { code, stdout } = await vdc(await serve(await publishing(blocks)), "verify", "--json");
    expect(code).toBe(EXIT.untrusted);
    expect(JSON.parse(stdout)).toMatchObject({
      verified: true,
      untrusted: [
        { keyId: first.keyId, first: 1, last: 2, revocation: { blockNumber: 4, reason: "stolen" } },
      ],
    });
  });

  it("ends well before the block that revokes it, and where no key is revoked", async () => {
    for (const sound of [blocks.slice(0, 4), await chainOf(3)])
      expect((await vdc(await serve(await publishing(sound)), "verify")).code).toBe(EXIT.ok);
  });
});

/** Returns the keys in `/.well-known/vdc.json`. With `fromBlock`, block 4 revokes the first key. */
const shown = (fromBlock?: number) => {
  const [old, present] = chainKeys([first, 0], [second, 2]);
  const revoked = fromBlock === undefined ? null : { fromBlock, reason: "stolen", blockNumber: 4 };
  return {
    body: { chainId: "vdc-test", latestBlock: 4, signingKeys: [{ ...old, revocation: revoked }, present] },
  };
};
const REVOKE = ["--from-block", "1", "--reason", "stolen"];

describe("vdc keys revoke", () => {
  it("says what it will do and which blocks verifiers will name, and does nothing without a yes", async () => {
    const stack = await deployment({ "GET /.well-known/vdc.json": shown() });
    const { code, stderr } = await vdc(stack, "keys", "revoke", first.keyId, ...REVOKE);
    expect(code).toBe(EXIT.usage);
    expect(stderr).toContain(`key ${first.keyId} is not to be trusted from block 1 on ("stolen")`);
    expect(stderr).toContain("every verifier will name blocks 1 to 2 as untrusted");
    expect(calls(stack)).toEqual(["GET /.well-known/vdc.json"]);
  });

  it("waits until a published block states it, and names that block", async () => {
    const call = `POST /api/vdc/keys/${first.keyId}/revoke`;
    const stack = await deployment({
      "GET /.well-known/vdc.json": [shown(), shown(), shown(1)],
      [call]: { status: 202, body: { keyId: first.keyId, fromBlock: 1, reason: "stolen", statusUrl: "/" } },
    });
    const { code, stdout } = await vdc(stack, "keys", "revoke", first.keyId, ...REVOKE, "--yes");
    expect({ code, stdout }).toEqual({
      code: EXIT.ok,
      stdout: `block 4 states that key ${first.keyId} is not to be trusted from block 1 on: stolen\n`,
    });
    expect(calls(stack).filter((made) => made.startsWith("POST"))).toEqual([call]);
  });

  it("knows no key but the chain's", async () => {
    const stack = await deployment({ "GET /.well-known/vdc.json": shown() });
    const { code } = await vdc(stack, "keys", "revoke", "0".repeat(64), ...REVOKE, "--yes");
    expect(code).toBe(EXIT.notFound);
  });

  it("is wrong usage without a key id, a block or a reason that can stand in one", async () => {
    for (const args of [
      ["abc", ...REVOKE],
      [first.keyId, "--reason", "stolen"],
      [first.keyId, "--from-block", "1"],
      [first.keyId, "--from-block", "-1", "--reason", "stolen"],
      [first.keyId, "--from-block", "1", "--reason", "two\nlines"],
      [first.keyId, "--from-block", "1", "--reason", "x".repeat(201)],
    ])
      expect((await vdc(undefined, "keys", "revoke", ...args, "--yes")).code).toBe(EXIT.usage);
  });
});
