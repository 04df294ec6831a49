import type { Submission, UnsignedSubmission } from "../../shared/chain/submission.ts";
import { signSubmission } from "../../shared/client/sign-submission.ts";
import { generateUserKeys, importUserKeys, type UserKeys } from "../../shared/client/user-keys.ts";
import { asJson, userTxId } from "../support/independent-verifier.ts";
import type { Expected } from "./orders.ts";

const CHAIN_ID = "vdc-main";
const USERS = 8;

/** Users who sign. Each user registers first and then creates assets. */
export class Submitters {
  readonly #users: UserKeys[] = [];

  async next(number: number): Promise<{ txId: string; submission: Submission; expected: Expected }> {
    const known = this.#users[number % USERS];
    const user = known ?? (await importUserKeys(generateUserKeys()));
    if (known === undefined) this.#users[number % USERS] = user;
    const timestamp = Date.now();
    const assetId = `signed-${number}`;
    const { userId, signingKey, encryptionKey } = user;
    const unsigned: UnsignedSubmission =
      known === undefined
        ? { type: "user_registration", timestamp, data: { signingKey, encryptionKey } }
        : { type: "asset_creation", timestamp, data: { assetId } };
    const { type, data } = unsigned;
    return {
      txId: userTxId(CHAIN_ID, userId, { type, timestamp, data: asJson(data) as never }),
      submission: await signSubmission(CHAIN_ID, unsigned, user),
      expected: known === undefined ? { type: "user_registration" } : { type: "asset_creation", assetId },
    };
  }
}
