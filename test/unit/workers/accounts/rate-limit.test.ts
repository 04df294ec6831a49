import { describe, expect, it } from "vitest";
import { creation, newUser, signed } from "../../../support/users/accounts.ts";
import { inTheTimeOfIntents, IntentsWorld } from "./intents/intents-world.ts";

inTheTimeOfIntents();

/** Makes a world whose limiter refuses every key. @returns it, and the keys that the limiter was asked about */
function limitedWorld() {
  const asked: string[] = [];
  const world = new IntentsWorld();
  const KEY_WRITES = {
    limit: async ({ key }: { key: string }) => {
      asked.push(key);
      return { success: false };
    },
  };
  Object.assign(world.env, { RATE_LIMITING: "on", KEY_WRITES });
  return { world, asked };
}

describe("the limit of a signing key", () => {
  it("counts a submission by the key that signed it, and refuses it beyond the limit [T7]", async () => {
    const { world, asked } = limitedWorld();
    const user = await newUser();
    const submission = await signed(user, creation("deed-1"));
    await expect(world.submit(submission)).rejects.toMatchObject({
      slug: "rate-limited",
      headers: { "retry-after": "60" },
    });
    expect(asked).toEqual([user.userId]);
    expect(world.steps).toBe(0);
  });

  it("can't be used up by a stranger, who has no signature of that key", async () => {
    const { world, asked } = limitedWorld();
    const submission = await signed(await newUser(), creation("deed-1"));
    const forged = { ...submission, data: { assetId: "deed-2" } } as typeof submission;
    await expect(world.submit(forged)).rejects.toMatchObject({ slug: "invalid-user-signature" });
    expect(asked).toEqual([]);
  });
});
