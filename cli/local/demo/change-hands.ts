import { creation, registration, transfer } from "../../../shared/client/unsigned.ts";
import { generateUserKeys, importUserKeys } from "../../../shared/client/user-keys.ts";
import { VdcClient } from "../../../shared/client/vdc-client.ts";
import { expectThat, type Story } from "./story.ts";

/**
 * Two users with their own keys: Alice creates an asset and gives it to Bob.
 * @param mine mines once the given number of transactions waits
 */
export async function changeHands(
  url: string,
  story: Story,
  mine: (waiting: number) => Promise<unknown>,
): Promise<void> {
  const vdc = new VdcClient(url);
  const [alice, bob] = await story.step(
    "Alice and Bob make their keys",
    () => Promise.all([importUserKeys(generateUserKeys()), importUserKeys(generateUserKeys())]),
    (users) => users.map(({ userId }) => `${userId.slice(0, 12)}…`).join(" and "),
  );
  const now = Date.now();
  await story.step("both register, and Alice creates painting-1: three signatures", async () => {
    await vdc.submit(await vdc.sign(alice, registration(alice, now)));
    await vdc.submit(await vdc.sign(bob, registration(bob, now)));
    await vdc.submit(await vdc.sign(alice, creation({ assetId: "painting-1" }, now)));
  });
  await mine(3);
  const given = await story.step("Alice gives painting-1 to Bob", async () =>
    vdc.submit(await vdc.sign(alice, transfer("painting-1", bob.userId))),
  );
  await mine(1);
  await story.step(
    "Bob checks it, and trusts nobody",
    async () => {
      await vdc.waitUntilMined(given.txId);
      const { transaction, block } = await vdc.verifyMined(given.txId);
      expectThat(transaction.type === "asset_transfer", "another transaction was mined");
      expectThat(transaction.data.newOwnerKeyId === bob.userId, "it was given to somebody else");
      expectThat(transaction.signatures.user?.keyId === alice.userId, "Alice did not sign it");
      return block;
    },
    ({ blockNumber }) => `signed by Alice and, in block ${blockNumber}, by the system`,
  );
}
