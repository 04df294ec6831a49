import type { DeadLetterEntry, Replay } from "../../../shared/api/dead-letters.ts";
import { LEDGER_FAULTS } from "../../../shared/chain/ledger.ts";
import type { IssuedToken } from "../../../shared/api/activation.ts";
import type { Stack } from "../platform/stack.ts";
import type { Random } from "../world/random.ts";
import { NoAnswer, operate, type Answer, type Asked } from "./request.ts";

const MOST_TRIES = 50;
const ASK_AGAIN = 600_000;

/** An operator at the console: impatient, and not always sure whether a click was received. */
export class Operator {
  readonly #stack: Stack;
  readonly #random: Random;

  constructor(stack: Stack) {
    this.#stack = stack;
    this.#random = stack.world.random.of("operator");
  }

  /** Clicks once or twice. Returns `undefined` if no answer came. */
  async click(path: string, asked: Asked = {}): Promise<Answer | undefined> {
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

  /**
   * Follows the handbook for a chain head that has lost its storage: repeats the restore until nothing is left to
   * restore.
   */
  async restores(): Promise<void> {
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const answer = await this.click(
        "/api/storage-verify/restore",
        posted({ reason: "it lost its storage" }),
      );
      if (answer !== undefined && answer.text.includes("problem:not-needed")) return;
      await this.#stack.world.sleep(ASK_AGAIN);
    }
  }

  async mines(): Promise<void> {
    await this.click("/api/vdc/mine", { method: "POST" });
  }

  async verifiesEverything(repair: boolean): Promise<void> {
    await this.click(`/api/storage-verify/verify-all?repair=${repair}`, { method: "POST" });
  }

  /** Replays every dead letter that a stage can take again. */
  async replaysDeadLetters(): Promise<void> {
    await this.click(
      "/api/dead-letters/replays",
      posted({ select: { all: true }, reason: "the cause is mended" }),
    );
  }

  /** Aborts the replays that run. */
  async abortsReplays(): Promise<void> {
    const answer = await this.click("/api/dead-letters/replays");
    if (answer?.status !== 200) return;
    const { replays } = answer.json() as { replays: Replay[] };
    for (const { id, state } of replays)
      if (state === "running") await this.click(`/api/dead-letters/replays/${id}`, { method: "DELETE" });
  }

  /** Dismisses the dead letters of transactions that break a rule of the chain, which no replay can mend. */
  async dismissesDeadLetters(): Promise<void> {
    const answer = await this.click("/api/dead-letters");
    if (answer?.status !== 200) return;
    const { entries } = answer.json() as { entries: DeadLetterEntry[] };
    for (const { id, reason, state } of entries)
      if (
        state === "open" &&
        (LEDGER_FAULTS as readonly string[]).includes(reason) &&
        this.#random.chance(0.5)
      )
        await this.click(`/api/dead-letters/${id}/dismiss`, posted({ reason: "it broke a rule" }));
  }

  /**
   * @returns a token that registers one user; `undefined` if the answer was lost, because then no user has the token
   */
  async invites(expiresInSeconds: number): Promise<IssuedToken | undefined> {
    const answer = await this.click("/api/activation-tokens", posted({ expiresInSeconds }));
    return answer?.status === 200 ? (answer.json() as IssuedToken) : undefined;
  }
}

export function posted(body: object): Asked {
  return { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}
