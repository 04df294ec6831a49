import { rateLimited, retryAfterSeconds } from "./retry-after.ts";
import { equalBytes, readAtMost } from "../crypto/bytes.ts";
import { cidV0 } from "../crypto/cid.ts";
import type { Pinner } from "./pinner.ts";
import { checkPinnable, type Kind } from "./policies.ts";
import type { BlockCopy, BlockLocator, Holding, Tier } from "./tier.ts";

/** The gateway served bytes with another CID than the requested one. */
export class WrongCid extends Error {
  override readonly name = "WrongCid";
}

/**
 * Reads bytes by CID over HTTP and hashes them, because a gateway is not trusted. A web page in the place of the bytes (a
 * notice, a login, a captcha) says nothing about the file: both calls then throw an `Error`.
 */
export interface GatewayReader {
  /**
   * `undefined` when the gateway says it does not have the file.
   * @throws WrongCid for other bytes; any other error: not known
   */
  fetch(cid: string): Promise<Uint8Array<ArrayBuffer> | undefined>;

  /**
   * Decides whether the gateway has this file, whose bytes the caller holds. Bytes are compared as they arrive and not
   * stored again.
   * @throws WrongCid for other bytes; any other error: not known
   */
  serves(cid: string, bytes: Uint8Array): Promise<boolean>;
}

/** A file to pin, with the CID that was computed from its bytes. */
export interface FileToPin {
  readonly kind: Kind;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly cid: string;
  readonly name: string;
  readonly keyvalues: Readonly<Record<string, string>>;
}

/**
 * Pins a file. When it resolves, the file is pinned under its own CID and the gateway serves it. A file that the service
 * has pinned and the gateway serves is not uploaded again: a retry after a failed read costs a read.
 * @throws PolicyViolation for a kind that must never be pinned; any other error is worth a retry
 */
export async function pinAndReadBack(
  pinner: Pick<Pinner, "pin" | "isPinned">,
  gateway: GatewayReader,
  file: FileToPin,
): Promise<void> {
  const { kind, bytes, cid, name, keyvalues } = file;
  checkPinnable(kind);
  if ((await pinner.isPinned(cid)) && (await gateway.serves(cid, bytes))) return;
  const pinnedCid = await pinner.pin(bytes, name, keyvalues);
  if (pinnedCid !== cid)
    throw new Error(`the pinning service answered ${pinnedCid} for bytes whose CID is ${cid}: not accepted`);
  if (!(await gateway.serves(cid, bytes)))
    throw new Error(`the pinning service took ${cid}, but the gateway does not have it yet`);
}

/**
 * The public proof. A pin counts only when the service names the CID computed here and the gateway returns those bytes.
 */
export function ipfsTier(pinner: Pinner, gateway: GatewayReader): Tier {
  async function store({ block, bytes, cid }: BlockCopy): Promise<void> {
    const name = `vdc-${block.chainId}-block-${block.blockNumber}.json`;
    const keyvalues = { chainId: block.chainId, blockHash: block.hash };
    await pinAndReadBack(pinner, gateway, { kind: "chain_block", bytes, cid, name, keyvalues });
  }

  return {
    name: "ipfs",
    store,
    replace: store, // a CID names one content, so there is nothing to overwrite

    async read({ cid }: BlockLocator): Promise<Holding> {
      const [pinned, served] = await Promise.all([
        pinner.isPinned(cid),
        gateway.fetch(cid).then(
          (bytes) => ({ bytes }),
          (error: unknown) => ({ error }),
        ),
      ]);
      if ("error" in served) {
        if (served.error instanceof WrongCid)
          return {
            state: "present",
            bytes: new Uint8Array(),
            wrong: "wrong_cid",
            detail: served.error.message,
          };
        if (pinned) throw served.error;
        return { state: "missing", detail: "not pinned" };
      }
      const { bytes } = served;
      if (bytes === undefined)
        return {
          state: "missing",
          detail: pinned ? "pinned, but the gateway does not have it" : "not pinned",
        };
      // A gateway may serve an unpinned file from its cache for a while.
      return pinned
        ? { state: "present", bytes }
        : { state: "missing", detail: "not pinned; the gateway still serves a copy", bytes };
    },
  };
}

/** KV holds 25 MiB, so no block or document is larger. A gateway that serves more serves another file. */
const MAX_FILE_BYTES = 26 * 1024 * 1024;

/**
 * The message for a missing gateway. There is no default, because a public gateway limits a CID to a few reads a minute.
 */
export const IPFS_GATEWAY_UNSET =
  "IPFS_GATEWAY_URL is not the base URL of an IPFS gateway: set it to your dedicated one in wrangler.toml of gateway, tier-persister and storage-verifier, then deploy them";

/** Removes slashes at the end of a base URL, for making links. */
export function baseUrl(text: string): string {
  return text.replace(/\/+$/, "");
}

/** @param gatewayUrl base URL of an IPFS gateway */
export function ipfsGateway(gatewayUrl: string, timeoutMs: number): GatewayReader {
  /** `undefined` when the gateway says that it does not have the file. */
  async function ask(cid: string): Promise<Response | undefined> {
    const response = await fetch(`${baseUrl(gatewayUrl)}/ipfs/${cid}`, {
      signal: AbortSignal.timeout(timeoutMs),
      headers: { accept: "application/json, application/octet-stream;q=0.9, */*;q=0.1" },
    });
    if (response.ok) return response;
    await response.body?.cancel();
    if (response.status === 404 || response.status === 410) return undefined;
    if (response.status === 429) {
      const seconds = retryAfterSeconds(response.headers.get("retry-after"), Date.now());
      throw rateLimited(seconds, "the IPFS gateway");
    }
    throw new Error(`the IPFS gateway answered ${response.status} for ${cid}`);
  }

  return {
    async fetch(cid) {
      const response = await ask(cid);
      if (response === undefined) return undefined;
      const bytes = await readAtMost(response.body, MAX_FILE_BYTES);
      if (bytes === undefined)
        throw new WrongCid(`the IPFS gateway served more than ${MAX_FILE_BYTES} bytes`);
      if ((await cidV0(bytes)) !== cid) throw otherBytes(cid, response);
      return bytes;
    },

    async serves(cid, bytes) {
      const response = await ask(cid);
      if (response === undefined) return false;
      if (await isStreamOf(response.body, bytes)) return true;
      throw otherBytes(cid, response);
    },
  };
}

/** VDC's files are JSON, so a web page is the gateway's own. */
function otherBytes(cid: string, { headers }: Response): Error {
  return /^(?:text\/html|application\/xhtml)/i.test(headers.get("content-type") ?? "")
    ? new Error(`the IPFS gateway answered with a web page instead of ${cid}: it could not be checked`)
    : new WrongCid(`the IPFS gateway served other bytes than those of ${cid}`);
}

/** Stops reading at the first difference. */
async function isStreamOf(stream: ReadableStream<Uint8Array> | null, bytes: Uint8Array): Promise<boolean> {
  let offset = 0;
  for await (const chunk of stream ?? []) {
    if (!equalBytes(chunk, bytes.subarray(offset, offset + chunk.length))) return false;
    offset += chunk.length;
  }
  return offset === bytes.length;
}
