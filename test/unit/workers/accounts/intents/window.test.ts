import { describe, expect, it } from "vitest";
import { payloadOfSubmission } from "../../../../../shared/chain/submission.ts";
import { CHAIN_ID, creation, newUser, signed } from "../../../../support/users/accounts.ts";
import { inTheTimeOfIntents, IntentsWorld } from "./intents-world.ts";

const YEAR = 365 * 86_400_000;

inTheTimeOfIntents();

/** Pays for a submission before it is sent. Its timestamp is this far from now. */
async function paidFirst(world: IntentsWorld, milliseconds: number) {
  const submission = await signed(await newUser(), creation("deed-1", Date.now() + milliseconds));
  const { id } = payloadOfSubmission(CHAIN_ID, submission).transaction;
  world.pay(7, id);
  await world.deliver();
  return submission;
}

describe("the time of a submission that was paid for before it came", () => {
  it("may be long ago, for a payment takes its time", async () => {
    const world = new IntentsWorld();
    expect(await world.submit(await paidFirst(world, -YEAR))).toMatchObject({ state: "pending" });
  });

  it("can't be bought into the future", async () => {
    const world = new IntentsWorld();
    const submission = await paidFirst(world, YEAR);
    await expect(world.submit(submission)).rejects.toMatchObject({ slug: "timestamp-outside-window" });
    expect(world.queue).toEqual([]);
  });
});
