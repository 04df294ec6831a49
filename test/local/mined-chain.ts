import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { readSecrets } from "../../cli/local/stack/data-directory.ts";
import { StackHere } from "./stack-here.ts";

/** A stack whose chain has genesis and two blocks, the first with two payments. It mines only on request. */
export interface MinedChain {
  /** A directory for the test's files. */
  readonly directory: string;
  readonly stack: StackHere;
  /** The environment in which a command works on this stack as the operator alice. */
  readonly environment: Readonly<Record<string, string>>;
  /** The transaction ids of the three payments. */
  readonly txIds: readonly string[];
  readonly secrets: readonly string[];
  end(): Promise<void>;
}

export async function startMinedChain(): Promise<MinedChain> {
  const directory = mkdtempSync(join(tmpdir(), "vdc-cli-"));
  const stack = await StackHere.start(join(directory, "stack"), {
    MINE_AFTER_SECONDS: "3600",
    MINE_AT_COUNT: "100000",
  });
  const first = await stack.payAndAdmit(2);
  await stack.mine();
  const second = await stack.payAndAdmit(1);
  await stack.mine();
  return {
    directory,
    stack,
    environment: { VDC_DATA_DIR: stack.dataDirectory, VDC_OPERATOR: "alice" },
    txIds: [...first, ...second],
    secrets: Object.values(readSecrets(stack.dataDirectory)),
    async end() {
      await stack.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** The text and JSON outputs of commands. Other tests' blocks may have made the chain longer. */
const OUTPUTS: readonly [command: readonly string[], text: RegExp, document: object][] = [
  [["status"], /^latest block +[2-9]$/m, { latest: expect.any(Number), counts: { waiting: 0 } }],
  [["pending"], /^0 transactions in no block yet/m, { waiting: 0, transactions: [], next: null }],
  [["tx", "{tx}"], /^state +mined$/m, { state: "mined", blockNumber: 2 }],
  [["block", "1"], /^transaction +type/m, { blockNumber: 1, transactionCount: 2 }],
  [["block", "latest"], /^block +[2-9]$/m, { previousHash: expect.any(String) }],
  [["verify"], /^✓ Every block is what its hash says/m, { verified: true, genesisPinned: false }],
  [["storage", "status"], /^\d complete, 0 incomplete, of \d in all$/m, { summary: { incomplete: 0 } }],
  [["storage", "verify", "1"], /^status +ok$/m, { blockNumber: 1, status: "ok" }],
  [["storage", "verify-all", "--no-repair"], /^failed +0$/m, { partial: 0, failed: 0 }],
  [["storage", "runs"], /^run +kind +state/m, { runs: expect.any(Array) }],
  [["dead-letters", "list"], /^there are no dead letters$/m, { entries: [], next: null }],
  [["dead-letters", "replays"], /^there was no replay yet$/m, { replays: [] }],
  [["audit", "list"], /POST \/api\/vdc\/mine/, { entries: expect.any(Array), head: expect.any(Object) }],
  [["audit", "verify"], /^✓ Every entry is as it was written/m, { verified: true }],
  [["doctor"], /^✓ +ipfs +.* gives the same bytes$/m, { healthy: true }],
];

export const outputs = OUTPUTS.map(([words, text, document]) => ({
  name: words.slice(0, 2).join(" "),
  /** @param txId the transaction of the second block */
  command: (txId: string) => words.map((word) => word.replace("{tx}", txId)),
  text,
  document,
}));
