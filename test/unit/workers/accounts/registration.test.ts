import { describe, expect, it } from "vitest";
import { payloadOfSubmission } from "../../../../shared/chain/submission.ts";
import { CHAIN_ID, newUser, registration, signed } from "../../../support/users/accounts.ts";
import { inTheTimeOfIntents, IntentsWorld } from "./intents/intents-world.ts";

inTheTimeOfIntents();

const registering = async () => {
  const user = await newUser();
  return signed(user, registration(user));
};

function worldWith(REGISTRATION: string): IntentsWorld {
  const world = new IntentsWorld();
  Object.assign(world.env, { REGISTRATION });
  return world;
}

describe("a registration without an activation token", () => {
  it("is taken at once where REGISTRATION is open", async () => {
    const world = worldWith("open");
    expect(await world.submit(await registering())).toMatchObject({ state: "pending" });
  });

  it("is refused where REGISTRATION is token, and nothing of it is kept", async () => {
    const world = worldWith("token");
    await expect(world.submit(await registering())).rejects.toMatchObject({
      slug: "registration-needs-token",
    });
    expect(world.queue).toEqual([]);
    expect(world.objects.size).toBe(0);
  });

  it("waits for its payment where REGISTRATION is paid", async () => {
    const world = worldWith("paid");
    const submission = await registering();
    expect(await world.submit(submission)).toMatchObject({ state: "awaiting_payment" });
    world.pay(7, payloadOfSubmission(CHAIN_ID, submission).transaction.id);
    await world.deliver();
    expect(await world.submit(submission)).toMatchObject({ state: "pending" });
  });

  it("goes on waiting for its payment when REGISTRATION has become token meanwhile", async () => {
    const world = worldWith("paid");
    const submission = await registering();
    await world.submit(submission);
    Object.assign(world.env, { REGISTRATION: "token" });
    expect(await world.submit(submission)).toMatchObject({ state: "awaiting_payment" });
    expect(world.queue).toEqual([]);
  });

  it("lets nobody in where REGISTRATION is misspelt", async () => {
    const world = worldWith("Open");
    await expect(world.submit(await registering())).rejects.toMatchObject({ slug: "not-configured" });
  });
});
