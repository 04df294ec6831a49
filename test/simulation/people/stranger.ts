import { VdcClient } from "../../../shared/client/vdc-client.ts";
import type { Stack } from "../platform/stack.ts";
import { request } from "./request.ts";

const SAMPLES = 3;

/** Somebody who trusts nobody: looks transactions up through the public interface, and verifies what is shown. */
export class Stranger {
  readonly #stack: Stack;
  readonly #client: VdcClient;

  constructor(stack: Stack) {
    this.#stack = stack;
    this.#client = new VdcClient("https://vdc.example", {
      fetch: async (input, init = {}) => {
        const { pathname, search } = new URL(input instanceof Request ? input.url : input);
        const { method = "GET" } = init;
        const { status, headers, text } = await request(stack, pathname + search, { method });
        return new Response(text, { status, headers });
      },
    });
  }

  /** @param mined transactions that stand in blocks */
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
