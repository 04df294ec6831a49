import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { generateSeedPair } from "../../../shared/tlog/seed-pair.ts";
import { vkeyText } from "../../../shared/tlog/vkey.ts";
import { MAX_REQUEST_BYTES } from "../../../shared/witness/add-checkpoint.ts";
import { parseFollowedLogs } from "../../../shared/witness/followed-logs.ts";
import { loadCosigners } from "../../../shared/witness/keyring.ts";
import { serveWitness } from "../../../shared/witness/serve.ts";
import type { Witness } from "../../../shared/witness/witness.ts";
import { send } from "../pinning/http.ts";
import { WitnessFaults, type WitnessFault } from "./faults.ts";
import { openState } from "./sqlite-state.ts";

export interface WitnessOptions {
  /** Folder of the witness's keys and state; created when it is missing. The witness shares it with nobody. */
  readonly dir: string;
  /** Name of its keys, such as `witness.local/one`. */
  readonly name: string;
  /** vkeys of the logs that it follows, several for one origin. */
  readonly logs: readonly string[];
  /** 0 or absent: any free port. */
  readonly port?: number;
  /** Seconds since the epoch; the computer's clock, but for tests. */
  readonly now?: () => number;
}

export interface WitnessService {
  /** `http://127.0.0.1:PORT`: the address for a policy. */
  readonly url: string;
  /** Its keys: Ed25519 cosignature (type 0x04), then ML-DSA-44 cosignature (type 0x06). */
  readonly vkeys: readonly [string, string];
  /** Adds a fault of `POST /add-checkpoint`. The first one set hits first. @throws ValiError for a malformed fault */
  setFault(fault: WitnessFault): void;
  /** Removes every fault. Held requests then go on normally. */
  clearFaults(): void;
  /** Number of requests since the start, and of those that a fault holds at this moment. */
  stats(): { readonly requests: number; readonly held: number };
  /** Cuts open connections. Afterwards no part of the witness is left running. */
  close(): Promise<void>;
}

const STATE_FILE = "witness.sqlite";
const KEYRING_FILE = "keyring.secret.json";

/**
 * Runs a witness on the loopback interface. It has keys, storage and an address of its own, and knows of the log only its vkeys,
 * so it refuses what the local stack shows wrongly as a stranger's witness would.
 */
export async function startWitness(options: WitnessOptions): Promise<WitnessService> {
  const { dir, name, logs, port = 0, now = () => Math.floor(Date.now() / 1_000) } = options;
  mkdirSync(dir, { recursive: true });
  const cosigners = await loadCosigners(name, keyringIn(join(dir, KEYRING_FILE)));
  const followed = parseFollowedLogs(logs.join("\n"));
  const state = openState(join(dir, STATE_FILE));
  const witness: Witness = { logs: followed, cosigners, state, now };
  const faults = new WitnessFaults();
  const underWay = new Set<Promise<void>>();
  let requests = 0;
  const server = createServer((incoming, outgoing) => {
    requests += 1;
    const served = answer(incoming, witness, faults)
      .catch((error: unknown) => {
        if (!incoming.socket.destroyed) console.error("witness:", error);
        return new Response("internal error\n", { status: 500 });
      })
      .then((response) => (incoming.socket.destroyed ? undefined : send(outgoing, response)))
      .finally(() => underWay.delete(served));
    underWay.add(served);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    vkeys: [vkeyText(cosigners[0].key), vkeyText(cosigners[1].key)],
    setFault: (fault) => faults.set(fault),
    clearFaults: () => faults.clear(),
    stats: () => ({ requests, held: faults.held }),
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      faults.close();
      await Promise.all([closed, ...underWay]);
      state.close();
    },
  };
}

async function answer(incoming: IncomingMessage, witness: Witness, faults: WitnessFaults): Promise<Response> {
  const request = await requestOf(incoming);
  const fault = request.method === "POST" ? faults.take() : undefined;
  switch (fault?.kind) {
    case "fail":
      return new Response("fault\n", { status: fault.status });
    case "late":
      await faults.hold();
      return serveWitness(witness, request);
    case "cosigned_but_errored":
      await serveWitness(witness, request);
      return new Response("fault\n", { status: 500 });
    case "wrong_signature":
      return altered(await serveWitness(witness, request));
    default:
      return serveWitness(witness, request);
  }
}

/** Changes the first character of each signature's last 12: the lines stay well-formed. */
async function altered(response: Response): Promise<Response> {
  const text = await response.text();
  const body = text.replaceAll(/.(?=.{11}$)/gm, (character) => (character === "A" ? "B" : "A"));
  return new Response(body, response);
}

async function requestOf(incoming: IncomingMessage): Promise<Request> {
  const { method = "GET", url = "/" } = incoming;
  const body = method === "GET" || method === "HEAD" ? undefined : await bodyOf(incoming);
  return new Request(new URL(url, "http://witness.local"), { method, ...(body && { body }) });
}

/** Reads the whole body, so that the client hears the answer, but keeps only a little more than a request can have. */
async function bodyOf(incoming: IncomingMessage): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    if (length <= MAX_REQUEST_BYTES) chunks.push(chunk);
    length += chunk.length;
  }
  return new Uint8Array(Buffer.concat(chunks));
}

function keyringIn(file: string): string {
  if (!existsSync(file)) writeFileSync(file, generateSeedPair(), { flag: "wx", mode: 0o600 });
  return readFileSync(file, "utf8");
}
