import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { r2Keys } from "../../shared/storage/layout.ts";
import type { LogHeadEnv } from "../../shared/objects/log-head.ts";
import { openCheckpoint } from "../../shared/tlog/open-checkpoint.ts";
import { parseVkey, vkeyText } from "../../shared/tlog/vkey.ts";
import { keysOf, verifyEndorsement } from "../../shared/tlog/endorsement.ts";
import { loadLogKeyring } from "../../shared/tlog/log-keyring.ts";
import type { LogFacts } from "../../workers/checkpointer/log-head/log-head.ts";
import { checkChain } from "../support/chain/check-chain.ts";
import { entriesOf, openStored } from "../support/chain/published-log.ts";
import { mine, pay, untilWaiting } from "../support/payments/payments.ts";
import { startPipeline, type Pipeline } from "../support/stack/pipeline.ts";
import { until } from "../support/stack/patience.ts";
import { workerName } from "../../shared/pipeline.ts";

const ORIGIN = "vdc.test/vdc-main";

/** Asks the log head, as the miner can. */
async function factsOf({ harness }: Pipeline): Promise<LogFacts> {
  const env = (await harness.getWorker(workerName("miner")).getEnv()) as LogHeadEnv;
  return env.LOG_HEAD.getByName("vdc-main").facts();
}

describe("the transparency logs", () => {
  let pipeline: Pipeline;
  beforeAll(async () => {
    pipeline = await startPipeline();
  });
  afterAll(() => pipeline.close());

  it("show nothing before the first block", async () => {
    for (const path of ["checkpoint", "vkeys", "keys.json", "policy", "tx/checkpoint", "tx/vkeys"])
      expect((await pipeline.fetch(`/log/${path}`)).status, path).toBe(404);
  });

  it("have a signed checkpoint and tiles of every published block and transaction", async () => {
    const signer = (await loadLogKeyring(pipeline.secrets.LOG_KEYRING)).signer(ORIGIN);
    const transactionSigner = (await loadLogKeyring(pipeline.secrets.LOG_KEYRING)).signer(`${ORIGIN}/tx`);
    for (let payments = 1; payments <= 2; payments++) {
      await pay(pipeline);
      await untilWaiting(pipeline, 1);
      await mine(pipeline);
      const blocks = await checkChain(pipeline);
      const entries = entriesOf(blocks);
      const keys = signer.vkeys.map(parseVkey);
      const log = await openStored(pipeline.r2, r2Keys.logPrefix, entries.blocks, keys);
      expect(log.checkpoint).toMatchObject({ origin: ORIGIN, size: blocks.length });
      expect(log.signatures.map(({ key }) => vkeyText(key))).toEqual(signer.vkeys);
      const transactions = await openStored(
        pipeline.r2,
        r2Keys.transactionLogPrefix,
        entries.transactions,
        transactionSigner.vkeys.map(parseVkey),
      );
      expect(transactions.checkpoint).toMatchObject({
        origin: `${ORIGIN}/tx`,
        size: entries.transactions.length,
      });
    }
  });

  it("are signed by keys that the block key endorsed once, before the first checkpoint", async () => {
    const [genesis] = await checkChain(pipeline);
    const { endorsements, shown } = await until(async () => {
      const facts = await factsOf(pipeline);
      expect(facts.shown).not.toBeNull();
      return facts;
    });
    const [first] = genesis?.transactions ?? [];
    if (genesis === undefined || first?.type !== "genesis") throw new Error("there is no genesis");
    const [signingKey] = first.data.signingKeys;
    expect(endorsements).toHaveLength(1);
    const [endorsement] = endorsements;
    const keys = await verifyEndorsement(
      endorsement,
      { chainId: genesis.chainId, genesisHash: genesis.hash },
      (keyId) => (keyId === signingKey?.keyId ? signingKey.publicKey : undefined),
    );
    expect(endorsement?.fromSize).toBe(0);
    if (endorsement !== undefined) expect(keysOf(endorsement)).toEqual(keys);
    expect(shown?.size).toBeGreaterThanOrEqual(2);
  });

  it("are cosigned by the witness and stamped by the authority, once a cron has asked them", async () => {
    const blocks = await checkChain(pipeline);
    const { size } = await until(async () => {
      await pipeline.fireCron("checkpointer");
      const { shown, stamps, cosigned } = await factsOf(pipeline);
      expect(shown?.size).toBe(blocks.length);
      expect(cosigned).toEqual(shown);
      expect(stamps).toMatchObject([{ size: expect.any(Number) }]);
      return { size: blocks.length };
    });
    const note = await (await pipeline.fetch("/log/checkpoint")).text();
    const signer = (await loadLogKeyring(pipeline.secrets.LOG_KEYRING)).signer(ORIGIN);
    const opened = await openCheckpoint(
      note,
      signer.vkeys.map(parseVkey),
      pipeline.witness.vkeys.map(parseVkey),
    );
    expect(opened.checkpoint.size).toBe(size);
    expect(opened.signatures).toHaveLength(4);
  });

  it("stay published while the witness is away, and are cosigned when it is back [T91]", async () => {
    pipeline.witness.setFault({ kind: "fail", status: 503 });
    await pay(pipeline);
    await untilWaiting(pipeline, 1);
    await mine(pipeline);
    const { length } = await checkChain(pipeline);
    await until(async () => expect((await factsOf(pipeline)).shown?.size).toBe(length));
    expect((await factsOf(pipeline)).cosigned?.size).toBe(length - 1);
    pipeline.witness.clearFaults();
  });
});
