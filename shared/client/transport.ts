import * as v from "valibot";
import { fromUtf8 } from "../crypto/bytes.ts";
import { pause } from "./pause.ts";
import { failureOf, VdcProblem, VdcUnreachable } from "./problem.ts";
import { pauseBefore, type Failed } from "./retry.ts";
import { whyUnanswered } from "./unanswered.ts";
import { issuesText } from "../schema/issue-text.ts";

export interface RequestOptions {
  readonly method?: "GET" | "POST" | "PUT";
  /** Sent as JSON; bytes are sent unchanged. */
  readonly body?: object | Uint8Array<ArrayBuffer>;
  /** For one attempt. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
  /** The answer never changes. Without this, a browser may show an answer that is some seconds old. */
  readonly immutable?: boolean;
}

/** The result of one attempt. */
export type Attempt =
  | { readonly bytes: Uint8Array<ArrayBuffer> }
  | (Failed & { readonly failure: VdcProblem | VdcUnreachable });

const TIMEOUT_MS = 30_000;

/** The HTTP interface of one deployment, for public calls. */
export class Transport {
  /** Without a slash at its end. */
  readonly url: string;
  readonly #fetch: typeof fetch;

  constructor(url: string, fetchWith: typeof fetch = (input, init) => fetch(input, init)) {
    this.url = url.replace(/\/+$/, "");
    this.#fetch = fetchWith;
  }

  /** @throws VdcProblem, VdcUnreachable, or the signal's reason */
  async json<Body>(path: string, options: RequestOptions = {}): Promise<Body> {
    return parsed(await this.bytes(path, options), path) as Body;
  }

  /**
   * Repeats a failed request after a pause when the failure may pass. Every request of this client is safe to repeat: the
   * same bytes have the same answer.
   */
  async bytes(path: string, options: RequestOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
    for (let attempts = 1; ; attempts++) {
      const attempt = await this.attempt(path, options);
      if ("bytes" in attempt) return attempt.bytes;
      const milliseconds = pauseBefore(attempts + 1, attempt);
      if (milliseconds === undefined) throw attempt.failure;
      await pause(milliseconds, options.signal);
    }
  }

  /** Sends the request once. @throws the signal's reason */
  async attempt(path: string, options: RequestOptions): Promise<Attempt> {
    const { method = "GET", body, timeoutMs = TIMEOUT_MS, signal, immutable = false } = options;
    const call = `${method} ${this.url}${path}`;
    const late = AbortSignal.timeout(timeoutMs);
    let response: Response;
    let bytes: Uint8Array<ArrayBuffer>;
    try {
      response = await this.#fetch(this.url + path, {
        method,
        headers: { accept: "application/json", ...(body && { "content-type": "application/json" }) },
        ...(body && { body: body instanceof Uint8Array ? body : JSON.stringify(body) }),
        ...(!immutable && { cache: "no-cache" }),
        signal: signal === undefined ? late : AbortSignal.any([signal, late]),
      });
      bytes = new Uint8Array(await response.arrayBuffer());
    } catch (cause) {
      signal?.throwIfAborted();
      return {
        failure: new VdcUnreachable(`${call} was not answered: ${whyUnanswered(cause)}`, { cause }),
        cause,
      };
    }
    if (response.ok) return { bytes };
    const { status, headers } = response;
    const failure = failureOf({ call, status, body: tryJson(bytes) });
    return {
      failure,
      status,
      retryAfter: headers.get("retry-after"),
      ...(failure instanceof VdcProblem && { slug: failure.slug }),
    };
  }
}

/** @throws VdcUnreachable when the bytes are not JSON, as from a portal in between */
export function parsed(bytes: Uint8Array, path: string): unknown {
  const body = tryJson(bytes);
  if (body === undefined)
    throw new VdcUnreachable(`the answer of ${path} is not JSON: is this a VDC deployment?`);
  return body;
}

/** @throws VdcUnreachable when the body is not an answer of VDC */
export function readAnswer<Schema extends v.GenericSchema>(
  schema: Schema,
  bytes: Uint8Array,
  path: string,
): v.InferOutput<Schema> {
  const read = v.safeParse(schema, parsed(bytes, path));
  if (read.success) return read.output;
  throw new VdcUnreachable(
    `the answer of ${path} is not an answer of VDC: ${issuesText(read.issues, "the answer")}`,
  );
}

function tryJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(fromUtf8(bytes));
  } catch {
    return undefined;
  }
}
