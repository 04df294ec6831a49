import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { pemOf, readIssuers } from "../../../shared/timestamp/certificate.ts";
import { InvalidTimestamp } from "../../../shared/timestamp/invalid-timestamp.ts";
import { importKey, makeAuthority } from "./certificates.ts";
import { StampFaults, type StampFault } from "./faults.ts";
import {
  grantedResponse,
  readRequest,
  rejectedResponse,
  type StampingKey,
  type StampRequest,
} from "./token.ts";

export interface AuthorityOptions {
  /** Folder of the key and the certificates; created when it is missing. */
  readonly dir: string;
  /** 0 or absent: any free port. */
  readonly port?: number;
  /** Milliseconds; the machine's clock by default. */
  readonly now?: () => number;
}

export interface TimestampAuthority {
  /** The address that takes requests: `http://127.0.0.1:PORT/`. */
  readonly url: string;
  /** Path of `issuers.pem`, the certificate to pin. */
  readonly issuersFile: string;
  /** Its contents. */
  readonly issuers: string;
  /** Number of stamps since the start. */
  stamped(): number;
  /** @param times number of requests that the fault hits; without it, every request */
  setFault(fault: StampFault, times?: number): void;
  clearFaults(): void;
  close(): Promise<void>;
}

/** A request for a stamp has about 70 bytes. */
const MAX_REQUEST_BYTES = 4_096;

/**
 * A time-stamp authority (RFC 3161) on the loopback interface, for the local stack and the tests. Its stamps prove
 * nothing to anybody else: it believes the clock of this machine.
 */
export async function startTimestampAuthority({
  dir,
  port = 0,
  now = Date.now,
}: AuthorityOptions): Promise<TimestampAuthority> {
  const issuersFile = join(dir, "issuers.pem");
  const key = await ownKey(dir, issuersFile, now());
  const faults = new StampFaults();
  const underWay = new Set<Promise<void>>();
  let stamped = 0;

  async function serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const fault = faults.take();
    const request = await requestIn(incoming);
    if (request === undefined || fault?.kind === "fail") {
      outgoing.writeHead(fault?.kind === "fail" ? fault.status : 400).end();
      return;
    }
    if (fault?.kind === "stall") await faults.stall();
    const response = await responseTo(request, now(), key, fault);
    if (fault?.kind !== "reject") stamped += 1;
    outgoing.writeHead(200, { "content-type": "application/timestamp-reply" }).end(response);
  }

  const server = createServer((incoming, outgoing) => {
    const served = serve(incoming, outgoing)
      .catch((error: unknown) => {
        if (!incoming.socket.destroyed) console.error("time-stamp authority:", error);
        outgoing.destroy();
      })
      .finally(() => underWay.delete(served));
    underWay.add(served);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    issuersFile,
    issuers: await readFile(issuersFile, "utf8"),
    stamped: () => stamped,
    setFault: (fault, times) => faults.set(fault, times),
    clearFaults: () => faults.clear(),
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      faults.clear();
      await Promise.all([closed, ...underWay]);
    },
  };
}

/** Reads the authority's files, or makes them. `issuers.pem` is written last: with it, all three are there. */
async function ownKey(dir: string, issuersFile: string, now: number): Promise<StampingKey> {
  const [certificateFile, keyFile] = [join(dir, "certificate.pem"), join(dir, "key.pk8")];
  if (!existsSync(issuersFile)) {
    await mkdir(dir, { recursive: true });
    const { issuer, certificate, key } = await makeAuthority(now);
    await writeFile(keyFile, key, { mode: 0o600 });
    await writeFile(certificateFile, pemOf(certificate));
    await writeFile(issuersFile, pemOf(issuer));
  }
  const [certificate] = readIssuers(await readFile(certificateFile, "utf8"));
  if (certificate === undefined) throw new Error(`there is no certificate in ${certificateFile}`);
  return { certificate: certificate.bytes, key: await importKey(new Uint8Array(await readFile(keyFile))) };
}

/** Returns undefined for what is no request for a stamp. */
async function requestIn(incoming: IncomingMessage): Promise<StampRequest | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_REQUEST_BYTES) return undefined;
    chunks.push(chunk);
  }
  if (incoming.method !== "POST" || incoming.headers["content-type"] !== "application/timestamp-query")
    return undefined;
  try {
    return readRequest(Buffer.concat(chunks));
  } catch (error) {
    if (error instanceof InvalidTimestamp || error instanceof TypeError) return undefined;
    throw error;
  }
}

async function responseTo(
  request: StampRequest,
  now: number,
  key: StampingKey,
  fault: StampFault | undefined,
): Promise<Uint8Array> {
  switch (fault?.kind) {
    case "reject":
      return rejectedResponse();
    case "other_data":
      return grantedResponse({ ...request, imprint: new Uint8Array(32) }, now, key);
    case "other_nonce":
      return grantedResponse({ ...request, nonce: Uint8Array.of(1) }, now, key);
    case "wrong_clock":
      return grantedResponse(request, now + fault.offMs, key);
    case "wrong_signature": {
      const response = await grantedResponse(request, now, key);
      return response.with(response.length - 1, (response.at(-1) as number) ^ 1); // the signature stands last
    }
    default:
      return grantedResponse(request, now, key);
  }
}
