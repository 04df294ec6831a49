import { beforeAll, describe, expect, it } from "vitest";
import { publishedChain } from "../../../cli/chain/published.ts";
import { UnverifiedChain, verifyChain, type SourceBlock } from "../../../cli/chain/verify.ts";
import { Client } from "../../../cli/http/client.ts";
import { CommandFailure, EXIT } from "../../../cli/output/failure.ts";
import { blockBytes, type Block } from "../../../shared/chain/block.ts";
import { cidV0 } from "../../../shared/crypto/cid.ts";
import { asSource, chainOf, publishing, recordOf } from "./chains.ts";
import { serve, type Answered } from "./server.ts";

let chain: readonly Block[];
beforeAll(async () => {
  chain = await chainOf(12);
});

async function failureOf(blocks: AsyncIterable<unknown>): Promise<CommandFailure> {
  try {
    for await (const _ of blocks);
  } catch (error) {
    expect(error).toBeInstanceOf(CommandFailure);
    return error as CommandFailure;
  }
  throw new Error("it verified");
}

async function* claiming(cid: string): AsyncGenerator<SourceBlock> {
  for (const block of chain) yield { bytes: blockBytes(block), cid };
}

describe("verifying a chain", () => {
  it("gives each block with the CID of its bytes", async () => {
    const verified = await Array.fromAsync(verifyChain(asSource(chain)));
    expect(verified.map(({ block }) => block)).toEqual(chain);
    expect(verified[7]?.cid).toBe(await cidV0(blockBytes(chain[7] as Block)));
  });

  it("stops at a block that is not linked to the one before, and names it", async () => {
    const failure = await failureOf(verifyChain(asSource(chain.toSpliced(4, 1))));
    expect(failure).toMatchObject({ exitCode: EXIT.unverified, blockNumber: 4, fault: "wrong_place" });
  });

  it("stops at a block that is said to have another CID", async () => {
    const elsewhere = await cidV0(new Uint8Array(1));
    expect(await failureOf(verifyChain(claiming(elsewhere)))).toMatchObject({
      blockNumber: 0,
      fault: "wrong_cid",
    });
  });

  it("takes the genesis that is known from elsewhere, and no other [T36 T63]", async () => {
    const [{ hash }] = chain as [Block];
    expect(await Array.fromAsync(verifyChain(asSource(chain), hash))).toHaveLength(12);
    const failure = await failureOf(verifyChain(asSource(chain), "0".repeat(64)));
    expect(failure).toMatchObject({ exitCode: EXIT.unverified, fault: "wrong_genesis" });
  });
});

/** A deployment with these blocks, and some answers replaced. */
async function deployment(answers: Readonly<Record<string, Answered>> = {}): Promise<Client> {
  const published = await publishing(chain);
  const { url } = await serve((request) => answers[request.path] ?? published(request));
  return new Client(url);
}

const read = async (client: Client) => (await publishedChain(client)).blocks;

describe("the chain that a deployment publishes", () => {
  it("is read in its order, from genesis to the latest block", async () => {
    const { latest, blocks } = await publishedChain(await deployment());
    expect(latest.blockNumber).toBe(11);
    expect((await Array.fromAsync(blocks)).map(({ block }) => block)).toEqual(chain);
  });

  it("does not verify when it ends otherwise than it says [T36 T52 T53]", async () => {
    const client = await deployment({
      "/api/vdc/latest": { body: { blockNumber: 11, hash: "f".repeat(64) } },
    });
    expect(await failureOf(await read(client))).toMatchObject({ blockNumber: 11, fault: "wrong_place" });
  });

  it("does not verify when a record holds another block's CID", async () => {
    const record = { ...(await recordOf(chain[5] as Block)), ipfsHash: await cidV0(new Uint8Array(1)) };
    const client = await deployment({ "/api/vdc/blocks/5": { body: record } });
    expect(await failureOf(await read(client))).toMatchObject({ blockNumber: 5, fault: "wrong_cid" });
  });

  it("does not verify when an answer is no block at all", async () => {
    const client = await deployment({ "/api/vdc/blocks/5": { body: { hello: "world" } } });
    expect(await failureOf(await read(client))).toMatchObject({ blockNumber: 5, fault: "not_a_block" });
  });

  it("is neither sound nor unsound when a block can't be read: that is another exit code", async () => {
    const client = await deployment({ "/api/vdc/blocks/5": { status: 503, problem: "not-configured" } });
    const failure = await failureOf(await read(client));
    expect(failure).not.toBeInstanceOf(UnverifiedChain);
    expect(failure.exitCode).toBe(EXIT.unknown);
  });
});
