import * as v from "valibot";
import { fromUtf8 } from "../crypto/bytes.ts";
import { pause } from "./pause.ts";
import { failureOf, VdcProblem, VdcUnreachable } from "./problem.ts";
import { pauseBefore, type Failed } from "./retry.ts";
import { whyUnanswered } from "./unanswered.ts";
import { issuesText } from "../issue-text.ts";

export interface Asked {
  readonly method?: "GET" | "POST" | "PUT";
  /** Sent as JSON; bytes as they are. */
  readonly body?: object | Uint8Array<ArrayBuffer>;
  /** Milliseconds for one attempt. */
  readonly timeout?: number;
  readonly signal?: AbortSignal | undefined;
  /** What is answered once stays so for ever. A browser may show anything else as it was some seconds ago. */
  readonly immutable?: boolean;
}

/** What became of one attempt. */
export type Attempt =
  | { readonly bytes: Uint8Array<ArrayBuffer> }
  | (Failed & { readonly failure: VdcProblem | VdcUnreachable });

const TIMEOUT = 30_000;

/** The HTTP interface of one deployment, for calls that anyone may make. */
export class Transport {
  /** Without a slash at its end. */
  readonly url: string;
  readonly #fetch: typeof fetch;

  constructor(url: string, fetchWith: typeof fetch = (input, init) => fetch(input, init)) {
    this.url = url.replace(/\/+$/, "");
    this.#fetch = fetchWith;
  }

  /** @throws VdcProblem, VdcUnreachable, or the signal's reason */
  async json<Body>(path: string, asked: Asked = {}): Promise<Body> {
    return parsed(await this.bytes(path, asked), path) as Body;
  }

  /**
   * Asks again, after a pause, what may pass: whatever this client sends may be sent again, for the same bytes have the same
   * answer.
   */
  async bytes(path: string, asked: Asked = {}): Promise<Uint8Array<ArrayBuffer>> {
    for (let attempts = 1; ; attempts++) {
      const attempt = await this.attempt(path, asked);
      if ("bytes" in attempt) return attempt.bytes;
      const milliseconds = pauseBefore(attempts + 1, attempt);
      if (milliseconds === undefined) throw attempt.failure;
      await pause(milliseconds, asked.signal);
    }
  }

  /** Asks once. @throws the signal's reason */
  async attempt(path: string, asked: Asked): Promise<Attempt> {
    const { method = "GET", body, timeout = TIMEOUT, signal, immutable = false } = asked;
    const call = `${method} ${this.url}${path}`;
    const late = AbortSignal.timeout(timeout);
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

/** @throws VdcUnreachable when it is no JSON, as of a portal that stands in between */
export function parsed(bytes: Uint8Array, path: string): unknown {
  const body = tryJson(bytes);
  if (body === undefined)
    throw new VdcUnreachable(`the answer of ${path} is not JSON: is this a VDC deployment?`);
  return body;
}

/** @throws VdcUnreachable when it is not what VDC answers */
export function answered<Schema extends v.GenericSchema>(
  schema: Schema,
  bytes: Uint8Array,
  path: string,
): v.InferOutput<Schema> {
  const read = v.safeParse(schema, parsed(bytes, path));
  if (read.success) return read.output;
  throw new VdcUnreachable(`the answer of ${path} is not as VDC's: ${issuesText(read.issues, "the answer")}`);
}

function tryJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(fromUtf8(bytes));
  } catch {
    return undefined;
  }
}
