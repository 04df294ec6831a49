import { listFiles, PinataError, uploadFile } from "pinata";
import * as v from "valibot";
import { nextCursor } from "./pages.ts";
import { rateLimited } from "./retry-after.ts";
import { observedFetch } from "./observed-fetch.ts";
import type { Pinner, PinPage } from "./pinner.ts";

interface PinataSettings {
  readonly jwt: string;
  /** Base URLs ending in `/v3`; Pinata's own when left out. */
  readonly uploadUrl?: string | undefined;
  readonly endpointUrl?: string | undefined;
  /** For one request. */
  readonly deadlineMs: number;
}

const FILES_A_PAGE = 1_000;

/** A page of Pinata's list (API v3, `GET /files/public`). The SDK does not check it. */
const FilePage = v.object({
  files: v.nullable(
    v.array(
      v.object({
        cid: v.string(),
        size: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
        keyvalues: v.nullish(v.record(v.string(), v.unknown()), {}),
      }),
    ),
  ),
  next_page_token: v.nullish(v.string(), ""),
});

/** The service keeps a content once. The list asks for a few more, in case it ever keeps one twice. */
const FILES_OF_A_CID = 10;

/** @throws Error when the token is missing: the SDK would send `Bearer undefined`, and would appear to pin. */
export function pinataPinner(settings: PinataSettings): Pinner {
  if (settings.jwt.length < 8)
    throw new Error("PINATA_JWT is not set: set it with `wrangler secret put PINATA_JWT`");
  return new PinataPinner(settings);
}

/** Uses functions of the SDK, each of which sends one request, with a deadline. */
class PinataPinner implements Pinner {
  readonly #jwt: string;
  readonly #deadlineMs: number;
  readonly #config: Parameters<typeof listFiles>[0];

  constructor({ jwt, uploadUrl, endpointUrl, deadlineMs }: PinataSettings) {
    this.#jwt = jwt;
    this.#deadlineMs = deadlineMs;
    this.#config = { pinataJwt: jwt, ...(uploadUrl && { uploadUrl }), ...(endpointUrl && { endpointUrl }) };
  }

  async pin(
    bytes: Uint8Array<ArrayBuffer>,
    name: string,
    keyvalues: Record<string, string>,
  ): Promise<string> {
    const file = new File([bytes], name, { type: "application/json" });
    const options = { metadata: { name, keyvalues }, cid_version: "v0" } as const;
    const { cid } = await this.#ask(() => uploadFile(this.#config, file, "public", options));
    return cid;
  }

  async isPinned(cid: string): Promise<boolean> {
    const { files } = await this.#ask(() =>
      listFiles(this.#config, "public", { cid, limit: FILES_OF_A_CID }),
    );
    return files.some((file) => file.cid === cid);
  }

  async list(keyvalues: Readonly<Record<string, string>>, token: string | undefined): Promise<PinPage> {
    const answer: unknown = await this.#ask(() =>
      listFiles(this.#config, "public", {
        metadata: { ...keyvalues },
        order: "ASC",
        limit: FILES_A_PAGE,
        ...(token !== undefined && { pageToken: token }),
      }),
    );
    const page = v.safeParse(FilePage, answer);
    if (!page.success) throw new Error(`the pinning service's list can't be read: ${page.issues[0].message}`);
    const { files, next_page_token } = page.output;
    return { pins: files ?? [], next: nextCursor(next_page_token || undefined, token) };
  }

  /** @param request one of the SDK's functions, which sends one request */
  async #ask<T>(request: () => Promise<T>): Promise<T> {
    const { result, error, retryAfter } = await observedFetch(this.#deadlineMs, request);
    if (result !== undefined) return result;
    if (error instanceof PinataError && error.statusCode === 429) throw rateLimited(retryAfter, "Pinata");
    throw new Error(meaningOf(error), { cause: textOf(error).replaceAll(this.#jwt, "[secret]") });
  }
}

/** Says for people what went wrong. The SDK's own words are for programmers, and quote whole web pages. */
function meaningOf(error: unknown): string {
  if (error instanceof DOMException && error.name === "TimeoutError")
    return "the pinning service did not answer in time";
  const status = error instanceof PinataError ? error.statusCode : undefined;
  switch (status) {
    case undefined:
      return "the pinning service gave no answer that can be read";
    case 401:
    case 403:
      return `the pinning service answered ${status}: it does not accept the token. Set PINATA_JWT to one that may upload and list`;
    default:
      return `the pinning service answered ${status}`;
  }
}

/**
 * Removes the token from an error's text. A service, or a proxy before it, may quote the refused request, so the error itself
 * is not kept.
 */
function textOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
