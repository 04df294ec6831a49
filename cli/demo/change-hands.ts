import { creation, registration, transfer } from "../../shared/client/unsigned.ts";
import { generateUserKeys, importUserKeys } from "../../shared/client/user-keys.ts";
import { VdcClient } from "../../shared/client/vdc-client.ts";
import { expectThat, type Story } from "./story.ts";

/**
 * Two users, whose keys nobody else has: Alice creates an asset, and gives it to Bob.
 * @param mine has so many transactions mined that wait
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
  const given = await story.step(
    "Alice registers, creates painting-1, and gives it to Bob: three signatures",
    async () => {
      await vdc.submit(await vdc.sign(alice, registration(alice, now)));
      await vdc.submit(await vdc.sign(alice, creation({ assetId: "painting-1" }, now + 1)));
      return vdc.submit(await vdc.sign(alice, transfer("painting-1", bob.userId, now + 2)));
    },
  );
  await mine(3);
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
