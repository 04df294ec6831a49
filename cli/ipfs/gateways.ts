import { setTimeout as sleep } from "node:timers/promises";
import { mayPass } from "../../shared/client/retry.ts";
import { whyUnanswered } from "../../shared/client/unanswered.ts";
import { RetryLater } from "../../shared/runtime/errors.ts";
import { ipfsGateway, WrongCid, type GatewayReader } from "../../shared/storage/ipfs-tier.ts";
import { CommandFailure, EXIT } from "../output/failure.ts";

/** Gateways that anybody may ask. They are run by the people behind IPFS, not by an operator of VDC. */
export const PUBLIC_GATEWAYS = ["https://ipfs.io", "https://dweb.link"];

const TIMEOUT_MS = 60_000; // a gateway may first have to find a node that has the file
const ROUNDS = 4;
const FIRST_PAUSE_MS = 1_000; // doubles
const LONGEST_PAUSE_MS = 120_000; // public gateways count requests by the minute

interface Gateway {
  readonly url: string;
  readonly reader: GatewayReader;
}

/** Result of asking one gateway in vain. `pauseMs`: asking again after this pause may help. */
interface InVain {
  readonly why: string;
  readonly pauseMs?: number;
}

/** IPFS gateways, none of which is trusted: they are asked in turn until one gives the bytes that have the CID. */
export class Gateways {
  /** In the order in which they are asked: the one that answered last comes first. */
  #gateways: readonly Gateway[];
  readonly #wait: (milliseconds: number) => Promise<unknown>;

  /**
   * @param urls base URLs, in the order in which they are asked
   * @param wait makes a pause before all are asked again
   */
  constructor(urls: readonly string[], wait: (milliseconds: number) => Promise<unknown> = sleep) {
    this.#gateways = urls.map((url) => ({ url, reader: ipfsGateway(url, TIMEOUT_MS) }));
    this.#wait = wait;
  }

  /** @returns the bytes of this CID, computed here @throws CommandFailure when no gateway gives them */
  async read(cid: string): Promise<Uint8Array<ArrayBuffer>> {
    for (let round = 1; ; round++) {
      const inVain: (InVain & { readonly url: string })[] = [];
      for (const gateway of this.#gateways) {
        const answer = await ask(gateway, cid, FIRST_PAUSE_MS * 2 ** (round - 1));
        if (answer instanceof Uint8Array) {
          this.#gateways = [gateway, ...this.#gateways.filter((other) => other !== gateway)];
          return answer;
        }
        inVain.push({ ...answer, url: gateway.url });
      }
      const pauses = inVain.flatMap(({ pauseMs }) => pauseMs ?? []);
      const pauseMs = Math.min(...pauses); // infinite without one
      if (round === ROUNDS || pauseMs > LONGEST_PAUSE_MS) throw unread(cid, inVain);
      await this.#wait(pauseMs);
    }
  }
}

async function ask(
  { reader }: Gateway,
  cid: string,
  pauseMs: number,
): Promise<Uint8Array<ArrayBuffer> | InVain> {
  try {
    return (await reader.fetch(cid)) ?? { why: "it does not have it" };
  } catch (error) {
    if (error instanceof WrongCid) return { why: "it gave other bytes" };
    if (error instanceof RetryLater)
      return { why: "it limits our rate", pauseMs: Math.max(pauseMs, error.seconds * 1_000) };
    return { why: reasonOf(error), ...(mayPass({ cause: error }) && { pauseMs }) };
  }
}

/** A plain Error is the reader's own: it says what was wrong with the answer. */
function reasonOf(error: unknown): string {
  return error instanceof Error && error.constructor === Error ? error.message : whyUnanswered(error);
}

function unread(cid: string, inVain: readonly (InVain & { readonly url: string })[]): CommandFailure {
  const reasons = inVain.map(({ url, why }) => `${url}: ${why}`).join("; ");
  return new CommandFailure(
    `${cid} can't be read from IPFS: ${reasons}. This says nothing about the chain. Name other gateways with --gateway, or try again later`,
    EXIT.unknown,
  );
}
