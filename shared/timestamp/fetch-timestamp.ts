import { readAtMost } from "../crypto/bytes.ts";
import { timestampRequest } from "./request.ts";
import { MAX_TIMESTAMP_BYTES, type VerifiedTimestamp, verifyTimestamp } from "./verify-timestamp.ts";

export interface TimestampFetch {
  /** Pinned certificates, as PEM. */
  readonly issuers: string;
  readonly fetch: typeof fetch;
  /** 8 random bytes. */
  readonly nonce: Uint8Array;
  /** For the whole call, the body included. */
  readonly deadlineMs: number;
}

export interface FetchedTimestamp {
  /** The answer as it came: the contents of a `.tsr` file. */
  readonly response: Uint8Array<ArrayBuffer>;
  readonly verified: VerifiedTimestamp;
}

/** The authority gave no time stamp. Its own words are not kept, because they are a stranger's. Worth another try later. */
export class TimestampUnavailable extends Error {
  override readonly name = "TimestampUnavailable";
  readonly status: number | undefined;

  constructor(detail: string, status?: number) {
    super(detail);
    this.status = status;
  }
}

/**
 * Has an authority stamp the data (RFC 3161 §3.4), and verifies the stamp. Follows no redirect.
 * @throws InvalidTimestamp when the answer must not be believed
 * @throws TimestampUnavailable when there is no answer, or one that is no time stamp
 */
export async function fetchTimestamp(
  url: string,
  data: Uint8Array<ArrayBuffer>,
  { issuers, fetch, nonce, deadlineMs }: TimestampFetch,
): Promise<FetchedTimestamp> {
  const response = await answerOf(fetch, url, {
    method: "POST",
    redirect: "manual",
    signal: AbortSignal.timeout(deadlineMs),
    headers: { "content-type": "application/timestamp-query", accept: "application/timestamp-reply" },
    body: timestampRequest(data, nonce),
  });
  return { response, verified: await verifyTimestamp({ response, data, nonce, issuers }) };
}

async function answerOf(
  fetchIt: typeof fetch,
  url: string,
  init: RequestInit,
): Promise<Uint8Array<ArrayBuffer>> {
  let status: number | undefined;
  let type: string | undefined;
  let bytes: Uint8Array<ArrayBuffer> | undefined;
  try {
    const response = await fetchIt(url, init);
    status = response.status;
    type = response.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase();
    bytes = await readAtMost(response.body, MAX_TIMESTAMP_BYTES);
  } catch {
    throw new TimestampUnavailable("the time-stamp authority did not answer in time", status);
  }
  if (status !== 200) throw new TimestampUnavailable(`the time-stamp authority answered ${status}`, status);
  if (type !== "application/timestamp-reply")
    throw new TimestampUnavailable(
      "the time-stamp authority's answer is not of the type of a time stamp",
      status,
    );
  if (bytes === undefined)
    throw new TimestampUnavailable(
      `the time-stamp authority's answer has more than ${MAX_TIMESTAMP_BYTES} bytes`,
      status,
    );
  return bytes;
}
