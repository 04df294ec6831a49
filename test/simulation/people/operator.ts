import type { Stack } from "../platform/stack.ts";
import { NoAnswer, operate, type Answer, type Asked } from "./request.ts";

const MOST_TRIES = 50;
const ASK_AGAIN = 600_000;

/** Somebody at the console: impatient, and not always sure whether the click was taken. */
export class Operator {
  readonly #stack: Stack;

  constructor(stack: Stack) {
    this.#stack = stack;
  }

  /** One click, or two. `undefined` when no answer came. */
  async #click(path: string, asked: Asked): Promise<Answer | undefined> {
    const { world } = this.#stack;
    const once = async () => {
      try {
        return await operate(this.#stack, path, asked);
      } catch (error) {
        if (error instanceof NoAnswer) return undefined;
        throw error;
      }
    };
    if (world.strikes("operator clicks twice", path)) void once();
    return once();
  }

  /** What the handbook says when the chain head has lost its storage: again and again, until there is nothing to restore. */
  async restores(): Promise<void> {
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const answer = await this.#click(
        "/api/storage-verify/restore",
        json({ reason: "it lost its storage" }),
      );
      if (answer !== undefined && answer.text.includes("problem:not-needed")) return;
      await this.#stack.world.sleep(ASK_AGAIN);
    }
  }

  async mines(): Promise<void> {
    await this.#click("/api/vdc/mine", { method: "POST" });
  }

  async verifiesEverything(repair: boolean): Promise<void> {
    await this.#click(`/api/storage-verify/verify-all?repair=${repair}`, { method: "POST" });
  }

  /** Everything that can go back to its stage. */
  async replaysDeadLetters(): Promise<void> {
    await this.#click(
      "/api/dead-letters/replays",
      json({ select: { all: true }, reason: "the cause is mended" }),
    );
  }
}

function json(body: object): Asked {
  return { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}
