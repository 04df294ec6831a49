import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, type TestContext } from "vitest";
import type { Block } from "../../shared/chain/block.ts";
import { until } from "../support/stack/patience.ts";
import { minedIds } from "./local-stack.ts";
import { StackProcess } from "./stack-process.ts";

/** Mines only on request. */
export const ON_REQUEST = { MINE_AFTER_SECONDS: "3600", MINE_AT_COUNT: "100000", STALL_AFTER_SECONDS: "1" };
/** Mines pending transactions without a request. */
export const BY_ITSELF = { ...ON_REQUEST, MINE_AFTER_SECONDS: "1" };

/** A data directory for one test. The stacks on it end with the test. */
export class Desk {
  readonly directory = mkdtempSync(join(tmpdir(), "vdc-local-"));
  readonly #started: StackProcess[] = [];

  constructor({ onTestFinished }: TestContext) {
    onTestFinished(async () => {
      await Promise.all(this.#started.map((stack) => stack.end()));
      rmSync(this.directory, { recursive: true, force: true });
    });
  }

  async start(environment: Record<string, string>): Promise<StackProcess> {
    const stack = await StackProcess.start(this.directory, environment);
    this.#started.push(stack);
    return stack;
  }
}

/**
 * Waits until every process of the stack has ended. A process that is left would hold the port and write to the same
 * files.
 */
export async function untilGone(stack: StackProcess): Promise<void> {
  await until(async () => expect(stack.alive()).toEqual([]));
}

/** Expects the old blocks unchanged, and every payment in the chain exactly once. */
export function expectContinued(
  before: readonly Block[],
  after: readonly Block[],
  txIds: readonly string[],
): void {
  expect(after.slice(0, before.length).map(({ hash }) => hash)).toEqual(before.map(({ hash }) => hash));
  expect(minedIds(after).toSorted()).toEqual(txIds.toSorted());
}
