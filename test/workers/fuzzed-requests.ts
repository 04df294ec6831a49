import * as fc from "fast-check";
import { fitting, parameterTexts, takes } from "../support/assertions/arbitrary.ts";
import { nearly } from "../support/assertions/nearly.ts";
import {
  validatorOf,
  type DocumentedCall,
  type Parameter,
  type Schema,
} from "../support/assertions/openapi.ts";
import { purchase } from "../support/payments/payments.ts";
import { CHARACTER } from "../support/assertions/character.ts";

export interface FuzzedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array<ArrayBuffer>;
  /**
   * The verdict of the document: a `misfit` must be refused with 400 or 413, and a request that `fits` must not.
   * `unclear`: the document can't decide, because only the call understands the value (a cursor, a header, a signed
   * event).
   */
  readonly verdict: "fits" | "misfit" | "unclear";
}

/** Parameters whose valid values come only from an earlier answer of the call. */
const OPAQUE = ["cursor"];
/** The parameter that makes a call wait for this many seconds. */
const SECONDS = "wait";
const MAX_JSON_BYTES = 256 * 1024;

/** The value of a parameter: `text` is what the caller means, `sent` is how the URL spells it. */
interface Value {
  readonly text: string | undefined;
  readonly sent: string;
}

/**
 * Generates requests of a call. Parameters and bodies fit its schemas, or nearly fit them, or are rubbish. Some
 * parameters appear twice or are unknown, and some headers are odd.
 * @param known values of stored things, by the name of the parameter
 */
export function requestsOf(
  call: DocumentedCall,
  known: Readonly<Record<string, readonly string[]>>,
): fc.Arbitrary<FuzzedRequest> {
  const inPath = call.parameters.filter((parameter) => parameter.in === "path");
  const inQuery = call.parameters.filter((parameter) => parameter.in === "query");
  return fc
    .record({
      path: fc.tuple(...inPath.map((parameter) => pathValues(parameter, known[parameter.name]))),
      query: fc.tuple(...inQuery.map((parameter) => queryTexts(parameter, known[parameter.name]))),
      foreign: seldom(fc.tuple(fc.constantFrom(...FOREIGN), fc.string({ maxLength: 10 }))),
      twice: seldom(fc.nat()),
      headers: HEADERS,
      body: bodiesOf(call),
    })
    .map(({ path, query, foreign, twice, headers, body }) => {
      const given = inQuery.flatMap(({ name }, i): [string, string][] =>
        query[i] === undefined ? [] : [[name, query[i]]],
      );
      const sent = foreign === undefined ? given : [...given, foreign];
      const again = twice === undefined ? undefined : sent[twice % sent.length];
      const search = new URLSearchParams(again === undefined ? sent : [...sent, again]);
      const isKnown = (name: string | undefined) => inQuery.some((parameter) => parameter.name === name);
      const misfit =
        inPath.some((parameter, i) => path[i]?.text === undefined || !takes(parameter, path[i].text)) ||
        inQuery.some((parameter, i) =>
          query[i] === undefined ? parameter.required : !takes(parameter, query[i]),
        ) ||
        isKnown(again?.[0]) ||
        (call.operator && foreign !== undefined && !isKnown(foreign[0]));
      const unclear =
        given.some(([name]) => OPAQUE.includes(name)) ||
        call.parameters.some((parameter) => parameter.in === "header" && parameter.name in headers);
      return {
        method: call.method,
        path: `${filled(call.path, inPath, path)}${search.size > 0 ? `?${search.toString()}` : ""}`,
        headers,
        ...(body && { body: body.bytes }),
        verdict:
          misfit || body?.verdict === "misfit" ? "misfit" : unclear ? "unclear" : (body?.verdict ?? "fits"),
      } as const;
    });
}

function seldom<T>(values: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.oneof({ weight: 9, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: values });
}

const FOREIGN = ["utm_source", "__proto__", "constructor", "a b", "Limit", "💩", "x-admin-secret"];

const BROKEN = ["%ff", "%", "%zz", "1%E0%A4%A"];

function pathValues(parameter: Parameter, known: readonly string[] = []): fc.Arbitrary<Value> {
  const texts = parameterTexts(parameter).filter((text) => !/^\.{0,2}$/.test(text)); // such a segment would name another path
  const whole = (known.length > 0 ? fc.oneof(texts, fc.constantFrom(...known)) : texts).map((text) => ({
    text,
    sent: encodeURIComponent(text),
  }));
  return fc.oneof(
    { weight: 9, arbitrary: whole },
    { weight: 1, arbitrary: fc.constantFrom(...BROKEN).map((sent) => ({ text: undefined, sent })) },
  );
}

/** `undefined` leaves the parameter out. */
function queryTexts(parameter: Parameter, known: readonly string[] = []): fc.Arbitrary<string | undefined> {
  const texts = parameterTexts(parameter).map((text) =>
    parameter.name === SECONDS && takes(parameter, text) ? "0" : text,
  );
  const any = known.length > 0 ? fc.oneof(texts, fc.constantFrom(...known)) : texts;
  return fc.option(any, { nil: undefined, freq: 3 });
}

function filled(path: string, parameters: readonly Parameter[], values: readonly Value[]): string {
  return parameters.reduce((url, { name }, i) => url.replace(`{${name}}`, () => values[i]?.sent ?? ""), path);
}

interface Body {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly verdict: FuzzedRequest["verdict"];
}

/** Bodies without a schema: only Stripe's webhook has one. */
const EVENTS = fc
  .nat({ max: 50 })
  .map((n): unknown => purchase({ seed: `fuzz-${n}`, created: 1_790_000_000 + n }));

function bodiesOf({ body, signed }: DocumentedCall): fc.Arbitrary<Body | undefined> {
  if (body === undefined) return fc.constant(undefined);
  const schema = body["application/json"]?.schema;
  const good = schema === undefined ? EVENTS : fitting(schema);
  const bytes = fc.oneof(
    { weight: 6, arbitrary: fc.oneof(good, nearly(good)).map((value) => utf8(JSON.stringify(value))) },
    { weight: 1, arbitrary: fc.string({ unit: CHARACTER }).map((text) => utf8(text.toWellFormed())) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 50 }).map((bytes) => new Uint8Array(bytes)) },
    { weight: 1, arbitrary: fc.constantFrom(...UNWIELDY).map(utf8) },
  );
  return bytes.map((bytes) => {
    const verdict = schema === undefined ? "unclear" : verdictOn(schema, bytes);
    return { bytes, verdict: signed && verdict === "fits" ? "unclear" : verdict };
  });
}

const UNWIELDY = [
  "",
  `"${"x".repeat(MAX_JSON_BYTES)}"`,
  `${"[".repeat(50_000)}${"]".repeat(50_000)}`,
  '{"__proto__":{"by":"a","reason":"b"}}',
  `{${Array.from({ length: 5_000 }, (_, i) => `"m${i}":${i}`).join(",")}}`,
];

function verdictOn(schema: Schema, bytes: Uint8Array<ArrayBuffer>): Body["verdict"] {
  try {
    const value: unknown = JSON.parse(
      new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes),
    );
    return bytes.length <= MAX_JSON_BYTES && validatorOf(schema)(value) ? "fits" : "misfit";
  } catch {
    return "misfit";
  }
}

function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new TextEncoder().encode(text));
}

const HEADER_NAMES = [
  "x-request-id",
  "if-none-match",
  "accept",
  "content-type",
  "x-operator",
  "cookie",
  "origin",
  "range",
  "idempotency-key",
  "sec-fetch-site",
  "cf-access-jwt-assertion",
  "stripe-signature",
  "x-forwarded-for",
  "x-http-method-override",
];
const headerTexts = fc.oneof(
  fc.string({ unit: fc.constantFrom(...Array.from('aZ09 -_,;:=/"<>*{}é\t')), maxLength: 30 }),
  fc.constantFrom("*", "DELETE", "application/json", "x".repeat(4_000), "t=1,v1=0"),
);
const HEADERS = fc
  .array(fc.tuple(fc.constantFrom(...HEADER_NAMES), headerTexts), { maxLength: 4 })
  .map((entries) => Object.fromEntries(entries.map(([name, text]) => [name, text.trim()])));
