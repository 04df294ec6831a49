import { readSecrets } from "../../cli/local/stack/data-directory.ts";
import { deliver } from "../../cli/local/stripe/deliver.ts";
import { isSystems } from "../../shared/chain/system-transactions.ts";
import { blockBytes, type Block } from "../../shared/chain/block.ts";
import { ChainVerifier } from "../../shared/chain/verify-chain.ts";
import { until } from "../support/stack/patience.ts";
import { purchase, type Status } from "../support/payments/payments.ts";

/** A running local stack, which a test uses over HTTP. */
export class LocalStack {
  readonly dataDirectory: string;
  readonly url: string;
  readonly pinningUrl: string;

  constructor(dataDirectory: string, url: string, pinningUrl: string) {
    this.dataDirectory = dataDirectory;
    this.url = url;
    this.pinningUrl = pinningUrl;
  }

  /**
   * Makes a payment and delivers it as Stripe does. @returns the transaction's id, once the webhook has answered 200
   */
  async pay(): Promise<string> {
    const secret = readSecrets(this.dataDirectory).STRIPE_WEBHOOK_SECRET;
    const { status, body } = await deliver(this.url, secret, purchase());
    if (status !== 200 || body.txId === undefined) throw new Error(`${status} ${JSON.stringify(body)}`);
    return body.txId;
  }

  /** Makes payments. @returns their transactions' ids, once the chain head has admitted all of them */
  async payAndAdmit(count: number): Promise<string[]> {
    const txIds = await Promise.all(Array.from({ length: count }, () => this.pay()));
    await this.#untilEach(txIds, ["pending", "reserved", "mined"]);
    return txIds;
  }

  /** Waits until each transaction's block is in every storage tier. */
  async untilMined(txIds: readonly string[]): Promise<void> {
    await this.#untilEach(txIds, ["mined"]);
  }

  async #untilEach(txIds: readonly string[], states: readonly string[]): Promise<void> {
    for (const txId of txIds)
      await until(async () => {
        const response = await fetch(`${this.url}/api/vdc/transactions/${txId}`);
        const { state = "unknown" }: { state?: string } = await response.json();
        if (!states.includes(state)) throw new Error(`${txId} is ${state}`);
      });
  }

  /** Mines one block of all pending transactions, and waits until it is published. */
  async mine(): Promise<void> {
    await this.operate("/api/vdc/mine?wait=60", "POST");
    await this.untilIdle();
  }

  async operate(path: string, method = "GET"): Promise<unknown> {
    const secret = readSecrets(this.dataDirectory).ADMIN_SECRET;
    const response = await fetch(`${this.url}${path}`, { method, headers: { "x-admin-secret": secret } });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response.json();
  }

  async status(): Promise<Status> {
    return (await this.operate("/api/vdc/status")) as Status;
  }

  /** Waits until no transaction is pending, no block is in flight, and the last block is published. */
  async untilIdle(): Promise<void> {
    await until(async () => {
      const { counts, inFlight } = await this.status();
      const latest = await this.#latest();
      if (counts.pending > 0 || inFlight.length > 0 || latest !== counts.blocks - 1)
        throw new Error(`not idle: ${JSON.stringify({ counts, inFlight, latest })}`);
    });
  }

  /** Returns the number of the block that is published as the latest. */
  async #latest(): Promise<number | undefined> {
    const response = await fetch(`${this.url}/api/vdc/latest`);
    const { blockNumber }: { blockNumber?: number } = await response.json();
    return blockNumber;
  }

  setFault(fault: object): Promise<Response> {
    return fetch(`${this.pinningUrl}/__faults`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(fault),
    });
  }

  /** Reads the whole chain over HTTP, and verifies it as a stranger would. @throws InvalidBlock */
  async verifiedChain(): Promise<readonly Block[]> {
    const read = async <Body>(path: string) => (await (await fetch(this.url + path)).json()) as Body;
    const latest = await this.#latest();
    if (latest === undefined) throw new Error("no block is published");
    const verifier = new ChainVerifier();
    const blocks: Block[] = [];
    for (let n = 0; n <= latest; n++) {
      const {
        ipfsHash: _,
        ipfsGatewayUrl: __,
        storage: ___,
        ...block
      } = await read<Record<string, unknown>>(`/api/vdc/blocks/${n}`);
      blocks.push(await verifier.add(blockBytes(block as unknown as Block)));
    }
    return blocks;
  }
}

/** Returns the ids of all transactions that are not the system's own, in the order of the chain. */
export function minedIds(blocks: readonly Block[]): readonly string[] {
  return blocks.flatMap(({ transactions }) =>
    transactions.filter((transaction) => !isSystems(transaction)).map(({ id }) => id),
  );
}
