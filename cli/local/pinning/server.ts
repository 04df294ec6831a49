import { hash, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { intercept } from "./intercept.ts";
import { FaultSwitch } from "./faults.ts";
import type { Fault, FaultReport } from "./faults.ts";
import { HttpError, failure, readBody, send } from "./http.ts";
import { match } from "./routes.ts";
import { PinStore } from "./store.ts";

export interface PinningOptions {
  /** Folder of the pins; created when it is missing. One service at a time uses it. */
  dir: string;
  /** 0 or absent: any free port. */
  port?: number;
  /** The only bearer token that the API accepts. */
  jwt: string;
}

export interface PinningService {
  /** `http://127.0.0.1:PORT` */
  url: string;
  /** The SDK's `uploadUrl`: `${url}/v3`. */
  uploadUrl: string;
  /** The SDK's `endpointUrl`: the same. */
  endpointUrl: string;
  /** Base URL of the gateway: files are at `${gatewayUrl}/ipfs/{cid}`. */
  gatewayUrl: string;
  /**
   * Adds a fault. Of several faults that fit a request, the first one set hits it.
   * @throws ValiError for a malformed fault
   */
  setFault(fault: Fault): void;
  /** Removes every fault. Stalled requests then go on normally. */
  clearFaults(): void;
  /** The answer of `GET /__faults`. */
  stats(): FaultReport;
  /** Cuts open connections and waits for running writes. Afterwards no part of the service is left running. */
  close(): Promise<void>;
}

/**
 * A stand-in for Pinata on the loopback interface, for the unmodified `pinata` SDK. Everything that it answered with 200
 * survives `kill -9`.
 */
export async function startPinningService({ dir, port = 0, jwt }: PinningOptions): Promise<PinningService> {
  if (jwt === "") throw new TypeError("the pinning service needs a jwt");
  const store = await PinStore.open(dir);
  const faults = new FaultSwitch();
  const underWay = new Set<Promise<void>>();

  async function serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    try {
      await send(outgoing, await answer(incoming, { store, faults, jwt }));
    } catch (error) {
      if (incoming.socket.destroyed) return; // the client hung up, or the service closed
      if (!(error instanceof HttpError)) console.error("pinning service:", error);
      await send(outgoing, failure(error));
    }
  }

  const server = createServer((incoming, outgoing) => {
    const served = serve(incoming, outgoing).finally(() => underWay.delete(served));
    underWay.add(served);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    url,
    uploadUrl: `${url}/v3`,
    endpointUrl: `${url}/v3`,
    gatewayUrl: url,
    setFault: (fault) => faults.set(fault),
    clearFaults: () => faults.clear(),
    stats: () => faults.report(),
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      faults.close();
      await Promise.all([closed, ...underWay]);
    },
  };
}

interface Service {
  readonly store: PinStore;
  readonly faults: FaultSwitch;
  readonly jwt: string;
}

async function answer(incoming: IncomingMessage, { store, faults, jwt }: Service): Promise<Response> {
  const url = URL.parse(incoming.url ?? "/", "http://127.0.0.1");
  if (url === null) throw new HttpError(400, "malformed URL");
  const found = match(incoming.method ?? "GET", url.pathname);
  if (found === undefined) throw new HttpError(404, "no such route");
  const { route, param } = found;
  const headers = new Headers(incoming.headers as Record<string, string>);
  if (route.name !== "control") faults.count(route.name);
  const request = { url, headers, param, store, faults, body: await readBody(incoming) };
  if (route.name === "control") return route.handle(request);
  if (route.name !== "gateway" && !sameToken(headers.get("authorization"), jwt))
    throw new HttpError(401, "wrong or missing bearer token");
  const fault = faults.take(route.name, param);
  return (await intercept(fault, faults, headers)) ?? route.handle({ ...request, fault });
}

/** Compares hashes in constant time, like the real service. */
function sameToken(authorization: string | null, jwt: string): boolean {
  return timingSafeEqual(digest(authorization ?? ""), digest(`Bearer ${jwt}`));
}

function digest(text: string): Buffer {
  return hash("sha256", text, "buffer");
}
