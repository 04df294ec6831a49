import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { r2Keys } from "../../shared/storage/layout.ts";
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

/** Reads the tables of the log head. */
async function logFacts({ harness }: Pipeline): Promise<Pick<LogFacts, "endorsements" | "shown">> {
  const storage = await harness
    .getWorker(workerName("checkpointer"))
    .getDurableObjectStorage("LogHead", { name: "vdc-main" });
  const [shown] = await storage.exec<{ value: string }>("SELECT value FROM fact WHERE name = 'shown'");
  const rows = await storage.exec<{ json: string }>("SELECT json FROM endorsement ORDER BY number");
  return {
    shown: shown === undefined ? null : (JSON.parse(shown.value) as LogFacts["shown"]),
    endorsements: rows.map(({ json }) => JSON.parse(json) as LogFacts["endorsements"][number]),
  };
}

describe("the transparency logs", () => {
  let pipeline: Pipeline;
  beforeAll(async () => {
    pipeline = await startPipeline();
  });
  afterAll(() => pipeline.close());

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
      const facts = await logFacts(pipeline);
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
});
