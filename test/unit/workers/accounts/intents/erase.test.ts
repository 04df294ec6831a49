import { describe, expect, it } from "vitest";
import { r2Keys } from "../../../../../shared/storage/layout.ts";
import { logger } from "../../../../../shared/runtime/log.ts";
import { erase } from "../../../../../workers/accounts/erase.ts";
import type { Env } from "../../../../../workers/accounts/env.ts";
import { inTheTimeOfIntents, IntentsWorld } from "./intents-world.ts";

const MONTH = 31 * 86_400;

inTheTimeOfIntents();

describe("a submission that had expired, and is erased at the moment when it is paid and sent again", () => {
  it("is not lost: what was admitted meanwhile is in pending/", async () => {
    const world = new IntentsWorld();
    const { submission, id } = await IntentsWorld.submission();
    await world.submit(submission);
    world.head.pass(MONTH);
    world.head.expireIntents();

    world.turn = async (label) => {
      if (label !== "delete") return;
      world.turn = async () => {};
      world.pay(7, id);
      await world.deliver();
      await world.submit(submission);
      await world.deliver();
    };
    const noLetters = { letters: async () => [], erase: async () => [] };
    const env = { ...world.env, DEAD_LETTERS: { getByName: () => noLetters } } as unknown as Env;
    const said = { by: "operator", reason: "asked to" };
    expect(await erase(id, said, env, logger("accounts"))).toMatchObject({ erased: true, blockNumber: null });

    expect(world.has(r2Keys.intent(id))).toBe(false);
    expect(world.head.whereIs(id).transaction).toMatchObject({ state: "pending" });
    expect(world.has(r2Keys.pending(id))).toBe(true);
  });
});
