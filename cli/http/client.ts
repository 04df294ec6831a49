import { setTimeout as wait } from "node:timers/promises";
import { addressOf, type AnswerOf, type InputOf } from "../../shared/api/call.ts";
import type { RouteName } from "../../shared/api/routes.ts";
import { whyUnanswered } from "../../shared/client/unanswered.ts";
import { pauseBefore, type Failed } from "../../shared/client/retry.ts";
import { AnswerFailure } from "./answer-failure.ts";
import { CommandFailure, EXIT } from "../output/failure.ts";
import { operatorHeaders } from "./operator.ts";
import { proxyAdvice } from "./proxy.ts";
import { targetOf, type Target } from "./target.ts";

/** A request as it is sent. */
interface SentRequest {
  /** Members that are `undefined` are left out. */
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Sent as JSON; bytes are sent unchanged. */
  readonly body?: object | Uint8Array<ArrayBuffer>;
  /** Makes a POST safe to repeat after a failure: the same key gets the same answer. */
  readonly idempotencyKey?: string;
  /** Statuses above 299 that count as an answer instead of a failure. */
  readonly accept?: readonly number[];
  /** For one attempt. */
  readonly timeoutMs?: number;
}

/** Input of a call of the HTTP interface, and how it is sent. */
type CallInput<Route extends RouteName> = InputOf<Route> & Omit<SentRequest, "query" | "body">;
type Given<Route extends RouteName> =
  object extends CallInput<Route> ? [sent?: CallInput<Route>] : [sent: CallInput<Route>];

export interface HttpAnswer<Body> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Body;
}

interface Parameters {
  readonly params?: Readonly<Record<string, string | number>>;
}

const TIMEOUT_MS = 30_000;

/** The HTTP interface of one deployment. Failures are thrown as CommandFailure, with its exit code. */
export class Client {
  readonly url: string;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(url: string, headers: Readonly<Record<string, string>> = {}) {
    this.url = url;
    this.#headers = headers;
  }

  /** Makes a call of the HTTP interface, and returns what it answers. */
  async call<Route extends RouteName>(route: Route, ...given: Given<Route>): Promise<AnswerOf<Route>> {
    return (await this.ask(route, ...given)).body;
  }

  /** Like `call`; `undefined` when the deployment has no such thing. */
  async find<Route extends RouteName>(
    route: Route,
    ...given: Given<Route>
  ): Promise<AnswerOf<Route> | undefined> {
    return this.call(route, ...given).catch((error: unknown) => {
      if (error instanceof AnswerFailure && error.slug === "not-found") return undefined;
      throw error;
    });
  }

  /** Like `call`, with the answer's status and headers. */
  ask<Route extends RouteName>(route: Route, ...[given]: Given<Route>): Promise<HttpAnswer<AnswerOf<Route>>> {
    const { params, ...sent }: SentRequest & Parameters = given ?? {};
    const { method, path } = addressOf(route, params);
    return this.send<AnswerOf<Route>>(method, path, sent);
  }

  /** Repeats a failed request after a pause when repeating is safe: see `shared/client/retry.ts`. */
  async send<Body>(method: string, path: string, sent: SentRequest = {}): Promise<HttpAnswer<Body>> {
    for (let attempts = 1; ; attempts++) {
      const attempt = await this.#attempt<Body>(method, path, sent);
      if ("answer" in attempt) return attempt.answer;
      const repeatable = method !== "POST" || sent.idempotencyKey !== undefined;
      const pause = repeatable ? pauseBefore(attempts + 1, attempt) : undefined;
      if (pause === undefined) throw attempt.failure;
      await wait(pause);
    }
  }

  async #attempt<Body>(
    method: string,
    path: string,
    sent: SentRequest,
  ): Promise<{ readonly answer: HttpAnswer<Body> } | (Failed & { readonly failure: CommandFailure })> {
    const call = `${method} ${this.url}${path}`;
    let response: Response;
    let text: string;
    try {
      response = await fetch(this.#address(path, sent), {
        method,
        headers: this.#headersFor(sent),
        ...bodyOf(sent),
        redirect: "manual", // following a redirect would send the secret to another host
        signal: AbortSignal.timeout(sent.timeoutMs ?? TIMEOUT_MS),
      });
      text = await response.text();
    } catch (error) {
      return { failure: unreachable(this.url, error), cause: error };
    }
    const { status, headers } = response;
    const body = parsed(text);
    if (body !== undefined && (response.ok || sent.accept?.includes(status) === true))
      return { answer: { status, headers, body: body as Body } };
    const failure = new AnswerFailure({ call, status, location: headers.get("location"), body });
    return {
      failure,
      status,
      retryAfter: headers.get("retry-after"),
      ...(failure.slug !== undefined && { slug: failure.slug }),
    };
  }

  #address(path: string, { query = {} }: SentRequest): string {
    const given = Object.entries(query).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, String(value)]],
    );
    return `${this.url}${path}${given.length > 0 ? `?${new URLSearchParams(given).toString()}` : ""}`;
  }

  #headersFor({ body, idempotencyKey }: SentRequest): Record<string, string> {
    return {
      accept: "application/json",
      ...this.#headers,
      ...(body !== undefined && { "content-type": "application/json" }),
      ...(idempotencyKey !== undefined && { "idempotency-key": idempotencyKey }),
    };
  }
}

/** A client for public calls: it reads no secret and sends none. */
export function publicClient(options: { readonly url?: string }): Client {
  return new Client(targetOf(options.url).url);
}

export function operatorClient(options: { readonly url?: string }): Client {
  const target: Target = targetOf(options.url);
  return new Client(target.url, operatorHeaders(target));
}

export function unreachable(url: string, error: unknown): CommandFailure {
  return new CommandFailure(
    `${url} can't be reached (${whyUnanswered(error)}): start the stack with \`npm start\`, or give its --url${proxyAdvice()}`,
    EXIT.unknown,
  );
}

function bodyOf({ body }: SentRequest): { body?: BodyInit } {
  if (body === undefined) return {};
  return { body: body instanceof Uint8Array ? body : JSON.stringify(body) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
