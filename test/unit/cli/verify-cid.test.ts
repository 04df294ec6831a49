import { join } from "node:path";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { Gateways } from "../../../cli/ipfs/gateways.ts";
import { startPinningService } from "../../../cli/local/pinning/server.ts";
import { EXIT } from "../../../cli/output/failure.ts";
import { blockBytes, type Block } from "../../../shared/chain/block.ts";
import { fromUtf8 } from "../../../shared/crypto/bytes.ts";
import { cidV0 } from "../../../shared/crypto/cid.ts";
import { generateKeyring } from "../../../shared/crypto/keyring.ts";
import { payment, signerOf, TestChain } from "../../support/chain/chain.ts";
import { longChain, writePins } from "../../support/chain/stored-chain.ts";
import { vdc } from "../../support/stack/command-line.ts";
import { chainOf, scratch } from "./chains.ts";
import { serve, type Answered, type Served } from "./server.ts";

const LENGTH = 12;
let chain: readonly Block[];
let latest: string;
beforeAll(async () => {
  chain = await chainOf(LENGTH);
  latest = await cidOf(chain.at(-1));
});

const cidOf = (block: Block | undefined) => cidV0(blockBytes(block as Block));

/** Serves these blocks by their CIDs, and some answers of the test's own in their place. */
async function gatewayWith(
  blocks: readonly Block[],
  answers: Readonly<Record<string, Answered>> = {},
): Promise<Served> {
  const files = new Map<string, string>();
  for (const block of blocks) files.set(await cidOf(block), fromUtf8(blockBytes(block)));
  return serve(({ path }) => {
    const cid = path.slice("/ipfs/".length);
    const file = files.get(cid);
    return answers[cid] ?? (file === undefined ? { status: 404, body: "" } : { body: file });
  });
}

/** Runs `vdc verify --cid`, and returns its exit code with its JSON document. */
async function verify(cid: string, gateways: readonly Served[], ...more: readonly string[]) {
  const asked = gateways.flatMap(({ url }) => ["--gateway", url]);
  const { code, stdout, stderr } = await vdc(["verify", "--cid", cid, ...asked, "--json", ...more]);
  return { code, stderr, document: stdout === "" ? undefined : (JSON.parse(stdout) as unknown) };
}

/** Makes the block after these, which names this CID as the one before it. */
async function following(previousCid: string | null, blockNumber: number): Promise<Block> {
  return new TestChain().build([payment("a forgery")], await signerOf("the operator"), {
    blockNumber,
    previousCid,
  });
}

describe("vdc verify --cid", () => {
  it("verifies the whole chain from the CID of its latest block and a gateway alone", async () => {
    const gateway = await gatewayWith(chain);
    expect(await verify(latest, [gateway], "--genesis", chain[0]!.hash)).toMatchObject({
      code: EXIT.ok,
      document: {
        verified: true,
        source: latest,
        genesisPinned: true,
        blocks: LENGTH,
        latest: { hash: chain.at(-1)!.hash },
      },
    });
    const walk = chain.toReversed().map(cidOf);
    const paths = (await Promise.all(walk)).map((cid) => `/ipfs/${cid}`);
    expect(gateway.asked.slice(0, LENGTH).map(({ path }) => path)).toEqual(paths);
    const again = gateway.asked.slice(LENGTH).map(({ path }) => path); // several at once
    expect(again.toSorted()).toEqual(paths.toSorted());
  });

  it("verifies a chain that the local pinning service holds", async () => {
    const dir = scratch();
    const copies = await longChain(await generateKeyring(), 5);
    writePins(dir, copies);
    const service = await startPinningService({ dir, jwt: "local-test-token" });
    onTestFinished(() => service.close());
    const gateway = { url: service.gatewayUrl, asked: [] };
    const cid = copies.at(-1)!.cid;
    expect(await verify(cid, [gateway])).toMatchObject({ code: EXIT.ok, document: { blocks: 5 } });

    service.setFault({ kind: "gateway_altered", cid: copies[2]!.cid, times: 1 });
    expect(await verify(cid, [gateway])).toMatchObject({
      code: EXIT.unknown,
      stderr: expect.stringContaining("it gave other bytes"),
    });
  });

  it("verifies an earlier part of the chain from the CID of its last block", async () => {
    const gateway = await gatewayWith(chain);
    expect(await verify(await cidOf(chain[4]), [gateway])).toMatchObject({
      code: EXIT.ok,
      document: { blocks: 5, latest: { blockNumber: 4 } },
    });
  });

  it("tries gateways in turn, and stays with the one that has the bytes [T19]", async () => {
    const empty = await gatewayWith([]);
    const lying = await gatewayWith(chain, { [latest]: { body: "other bytes" } });
    const honest = await gatewayWith(chain);
    expect(await verify(latest, [empty, lying, honest])).toMatchObject({ code: EXIT.ok });
    expect([empty, lying, honest].map(({ asked }) => asked.length)).toEqual([1, 1, 2 * LENGTH]);
  });

  it("can't tell when no gateway has a block: that is neither sound nor unsound", async () => {
    const without = await gatewayWith(chain.toSpliced(6, 1));
    const { code, stderr } = await verify(latest, [without]);
    expect(code).toBe(EXIT.unknown);
    expect(stderr).toContain(`${await cidOf(chain[6])} can't be read from IPFS`);
    expect(stderr).toContain("it does not have it");
  });

  it("reads only what came since with --state, and finds a chain that was changed before", async () => {
    const state = join(scratch(), "chain.state");
    const gateway = await gatewayWith(chain);
    await verify(await cidOf(chain[8]), [gateway], "--state", state);
    const before = gateway.asked.length;
    expect(await verify(latest, [gateway], "--state", state)).toMatchObject({
      code: EXIT.ok,
      document: { blocks: LENGTH, verifiedBefore: 9 },
    });
    const asked = new Set(gateway.asked.slice(before).map(({ path }) => path.slice("/ipfs/".length)));
    expect(asked).toEqual(new Set(await Promise.all(chain.slice(8).map(cidOf))));

    const other = await chainOf(LENGTH + 1, "another operator");
    expect(
      await verify(await cidOf(other.at(-1)), [await gatewayWith(other)], "--state", state),
    ).toMatchObject({
      code: EXIT.unverified,
      document: { verified: false, fault: "not_continued", blockNumber: LENGTH - 1 },
    });
    expect(await verify(await cidOf(chain[3]), [gateway], "--state", state)).toMatchObject({
      code: EXIT.unverified,
      document: { verified: false, fault: "not_continued" },
    });
  });

  it.each([
    { name: "skips a number", before: 5, blockNumber: 7 },
    { name: "goes round in numbers", before: 5, blockNumber: 3 },
    { name: "is genesis, and names a block before it", before: 5, blockNumber: 0 },
  ])("refuses a block that $name", async ({ before, blockNumber }) => {
    const forged = await following(await cidOf(chain[before]), blockNumber);
    const gateway = await gatewayWith([...chain, forged]);
    expect(await verify(await cidOf(forged), [gateway])).toMatchObject({
      code: EXIT.unverified,
      document: { verified: false, fault: "wrong_place" },
    });
    expect(gateway.asked.length).toBeLessThanOrEqual(3);
  });

  it("refuses a block that names none before it and is not genesis", async () => {
    const orphan = await following(null, 3);
    expect(await verify(await cidOf(orphan), [await gatewayWith([orphan])])).toMatchObject({
      code: EXIT.unverified,
      document: { verified: false, fault: "wrong_place", blockNumber: 3 },
    });
  });

  it("refuses a chain of another genesis, and a file that is no block", async () => {
    const gateway = await gatewayWith(chain);
    expect(await verify(latest, [gateway], "--genesis", "0".repeat(64))).toMatchObject({
      code: EXIT.unverified,
      document: { fault: "wrong_genesis" },
    });
    const text = new TextEncoder().encode("a text");
    const cid = await cidV0(text);
    const other = await gatewayWith([], { [cid]: { body: "a text" } });
    expect(await verify(cid, [other])).toMatchObject({
      code: EXIT.unverified,
      stderr: expect.stringContaining(`${cid} is not the CID of a block`),
    });
  });

  it("takes a CID and no file beside it, and gateways with a CID only", async () => {
    for (const words of [
      ["--cid", "bafkreigh2akiscaildc"],
      ["--cid", latest, "chain.car"],
      ["--gateway", "http://127.0.0.1:1"],
      ["--cid", latest, "--gateway", "ipfs.example"],
    ])
      expect((await vdc(["verify", ...words])).code, words.join(" ")).toBe(EXIT.usage);
  });
});

describe("IPFS gateways", () => {
  it("are asked again after the pause that one of them asks for", async () => {
    const bytes = blockBytes(chain[0] as Block);
    const cid = await cidV0(bytes);
    let isLimited = true;
    const { url, asked } = await serve(() =>
      isLimited ? { status: 429, headers: { "retry-after": "7" }, body: "" } : { body: fromUtf8(bytes) },
    );
    const pauses: number[] = [];
    const gateways = new Gateways([url], async (milliseconds) => {
      pauses.push(milliseconds);
      isLimited = pauses.length < 2;
    });
    expect(await gateways.read(cid)).toEqual(bytes);
    expect(pauses).toEqual([7_000, 7_000]);
    expect(asked).toHaveLength(3);
  });

  it("are given up after four rounds, and at once when one asks for too long a pause", async () => {
    const failing = await serve(() => ({ status: 502, body: "" }));
    const pauses: number[] = [];
    const wait = async (milliseconds: number) => void pauses.push(milliseconds);
    await expect(new Gateways([failing.url], wait).read(latest)).rejects.toMatchObject({
      exitCode: EXIT.unknown,
      message: expect.stringContaining("answered 502"),
    });
    expect(pauses).toEqual([1_000, 2_000, 4_000]);
    const busy = await serve(() => ({ status: 429, headers: { "retry-after": "900" }, body: "" }));
    await expect(new Gateways([busy.url], wait).read(latest)).rejects.toMatchObject({
      exitCode: EXIT.unknown,
    });
    expect(pauses).toHaveLength(3);
  });
});
