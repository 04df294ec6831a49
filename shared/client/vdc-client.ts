import type { Submitted } from "../../workers/gateway/submissions.ts";
import type { TransactionStatus } from "../../workers/gateway/transactions.ts";
import type { WellKnown } from "../../workers/gateway/well-known.ts";
import type { Submission, UnsignedSubmission } from "../chain/submission.ts";
import type { TxId } from "../chain/transaction.ts";
import { signSubmission } from "./sign-submission.ts";
import { Transport } from "./transport.ts";
import type { UserKeys } from "./user-keys.ts";
import { Unverified, verifyMined, type VerifiedTransaction } from "./verify-mined.ts";
import { waitUntilMined, type Patience, type Settled } from "./wait-until-mined.ts";

export interface VdcClientOptions {
  /** Hash of block 0, known from elsewhere: what is verified then is that chain and no other. */
  readonly genesisHash?: string;
  /** In place of the platform's own. */
  readonly fetch?: typeof fetch;
}

/**
 * What an app does with a deployment, in a browser or in Node. A call that may pass is made again, after a pause; what
 * can't be done is thrown as VdcProblem, and as VdcUnreachable where nobody said why.
 */
export class VdcClient {
  readonly #transport: Transport;
  readonly #genesisHash: string | undefined;
  #chainId: Promise<string> | undefined;

  /** @param url `https://vdc.example` */
  constructor(url: string, options: VdcClientOptions = {}) {
    this.#transport = new Transport(url, options.fetch);
    this.#genesisHash = options.genesisHash;
  }

  /** Which chain it is: part of whatever a user signs. */
  chainId(): Promise<string> {
    this.#chainId ??= this.announced().then(
      ({ chainId }) => chainId,
      (error: unknown) => {
        this.#chainId = undefined;
        throw error;
      },
    );
    return this.#chainId;
  }

  /** What the deployment says of itself and of its keys. */
  announced(): Promise<WellKnown> {
    return this.#transport.json("/.well-known/vdc.json");
  }

  /** Keep the result until it was taken: signing again gives other bytes. */
  async sign(user: UserKeys, unsigned: UnsignedSubmission): Promise<Submission> {
    return signSubmission(await this.chainId(), unsigned, user);
  }

  /** Taken when it resolves. The same submission again is answered with where it is. */
  submit(submission: Submission): Promise<Submitted> {
    return this.#transport.json("/api/vdc/transactions", { method: "POST", body: submission });
  }

  /** @throws VdcProblem "not-found" for what the chain does not know, as in the first second after it was taken */
  transaction(txId: TxId): Promise<TransactionStatus> {
    return this.#transport.json(pathOf(txId));
  }

  /** @throws StillWaiting when the time is over, or the signal's reason */
  waitUntilMined(txId: TxId, patience: Patience = {}): Promise<Settled> {
    const look = (signal?: AbortSignal) => this.#transport.attempt(pathOf(txId), { signal });
    return waitUntilMined(txId, look, patience);
  }

  /** Believes the deployment in nothing but where the block is. @throws Unverified */
  async verifyMined(txId: TxId): Promise<VerifiedTransaction> {
    const status = await this.transaction(txId);
    if (status.state !== "mined") throw new Unverified("not_mined", `${txId} is ${status.state}`);
    return verifyMined(txId, status, {
      announced: await this.announced(),
      record: (blockNumber) => this.#transport.json(`/api/vdc/blocks/${blockNumber}`),
      genesisHash: this.#genesisHash,
    });
  }
}

const pathOf = (txId: TxId) => `/api/vdc/transactions/${txId}`;
