import type { VdcClient } from "../../../shared/client/vdc-client.ts";
import type { Stack } from "../platform/stack.ts";
import { clientOf } from "./client.ts";

const SAMPLES = 3;

/** A person who trusts no one: looks transactions up through the public interface, and verifies every answer. */
export class Stranger {
  readonly #stack: Stack;
  readonly #client: VdcClient;

  constructor(stack: Stack) {
    this.#stack = stack;
    this.#client = clientOf(stack);
  }

  /** @param mined ids of mined transactions */
  async looksUp(mined: readonly string[]): Promise<void> {
    const { world } = this.#stack;
    for (const txId of world.random.shuffled(mined).slice(0, SAMPLES)) {
      try {
        await this.#client.verifyMined(txId);
      } catch (error) {
        world.broken("a stranger can check it", `${txId}: ${String(error)}`);
      }
    }
  }
}
