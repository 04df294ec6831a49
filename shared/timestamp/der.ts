import { fromBER, ObjectIdentifier } from "asn1js";
import { concat } from "../crypto/bytes.ts";
import { InvalidTimestamp } from "./invalid-timestamp.ts";

/** Identifier octets of DER (X.690 §8.1.2). `context0` and its like are constructed, as in `[0]`. */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
  primitive0: 0x80,
  context0: 0xa0,
  context1: 0xa1,
  context2: 0xa2,
  context3: 0xa3,
  context4: 0xa4,
} as const;

/** A value of DER: its identifier octet, all its bytes, the bytes behind its length, and the values in it. */
export interface Der {
  readonly tag: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly content: Uint8Array<ArrayBuffer>;
  readonly children: readonly Der[];
}

type Node = ReturnType<typeof fromBER>["result"];

/** Deepest nesting and most values of a time stamp. Real stamps have fewer than 20 and 600. */
const LIMITS = { maxDepth: 40, maxNodes: 8_000, parseEmbedded: false };

/**
 * Reads one value of DER. Indefinite and overlong lengths are refused, so that the bytes that are hashed are the bytes
 * that were signed.
 * @throws InvalidTimestamp "malformed", "trailing_bytes"
 */
export function readDer(bytes: Uint8Array): Der {
  const copy = Uint8Array.from(bytes);
  let read: ReturnType<typeof fromBER>;
  try {
    read = fromBER(copy, LIMITS);
  } catch {
    throw malformed("the bytes are not DER");
  }
  if (read.offset === -1 || read.result.error !== "") throw malformed("the bytes are not DER");
  if (read.offset !== copy.length)
    throw new InvalidTimestamp("trailing_bytes", "there are bytes behind the end of the DER value");
  return derOf(read.result);
}

function derOf(node: Node): Der {
  const bytes = Uint8Array.from(node.valueBeforeDecodeView);
  const header = headerOf(bytes);
  if (header === undefined) throw malformed("a length is not in the form of DER");
  const tag = bytes[0] as number;
  const isConstructed = (tag & 0x20) !== 0;
  const { value } = node.valueBlock as { value?: unknown };
  const children = isConstructed && Array.isArray(value) ? (value as Node[]).map(derOf) : [];
  const within = children.reduce((length, child) => length + child.bytes.length, 0);
  if (isConstructed && within !== bytes.length - header)
    throw malformed("a value is not as long as its parts");
  return { tag, bytes, content: bytes.slice(header), children };
}

/** Returns the bytes of identifier and length, or undefined unless they are in the form of DER (X.690 §10.1). */
function headerOf(bytes: Uint8Array): number | undefined {
  const [tag = 0x1f, first = 0x80] = bytes;
  if ((tag & 0x1f) === 0x1f || first === 0x80) return undefined;
  const isLong = first > 0x80;
  const header = isLong ? 2 + (first & 0x7f) : 2;
  const length = isLong ? bytes.slice(2, header).reduce((sum, byte) => sum * 256 + byte, 0) : first;
  const isShortest = !isLong || (bytes[2] !== 0 && length >= 0x80);
  return isShortest && length === bytes.length - header ? header : undefined;
}

/** @throws InvalidTimestamp "malformed" unless the value is there and has this tag */
export function expectTag(der: Der | undefined, tag: number, what: string): Der {
  if (der?.tag !== tag) throw malformed(`${what} is missing or of another type`);
  return der;
}

/** Returns the values in a sequence. */
export function sequenceOf(der: Der | undefined, what: string): readonly Der[] {
  return expectTag(der, TAG.sequence, what).children;
}

/** Returns the only value in a constructed one, such as `[0] EXPLICIT`. */
export function onlyIn(der: Der, what: string): Der {
  const [only] = der.children;
  if (only === undefined || der.children.length !== 1) throw malformed(`${what} does not hold one value`);
  return only;
}

/** Reads an object identifier as dotted text. */
export function oidOf(der: Der | undefined, what: string): string {
  const { bytes } = expectTag(der, TAG.oid, what);
  const { result, offset } = fromBER(bytes, LIMITS);
  if (offset !== bytes.length || !(result instanceof ObjectIdentifier))
    throw malformed(`${what} is no identifier`);
  return result.getValue();
}

/** Reads an integer in the shortest form; two's complement, the highest byte first. */
export function integerOf(der: Der | undefined, what: string): Uint8Array<ArrayBuffer> {
  const { content } = expectTag(der, TAG.integer, what);
  const [first, second = 0] = content;
  const isPadded =
    content.length > 1 && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80));
  if (first === undefined || isPadded) throw malformed(`${what} is no integer of DER`);
  return content;
}

/** Reads an integer from 0 to 127. */
export function smallOf(der: Der | undefined, what: string): number {
  const [value = 0x80, ...more] = integerOf(der, what);
  if (value >= 0x80 || more.length > 0) throw malformed(`${what} is out of range`);
  return value;
}

/** Reads a bit string of whole bytes. */
export function wholeBitsOf(der: Der | undefined, what: string): Uint8Array<ArrayBuffer> {
  const { content } = expectTag(der, TAG.bitString, what);
  if (content[0] !== 0) throw malformed(`${what} is not of whole bytes`);
  return content.slice(1);
}

const GENERALIZED = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.(\d*[1-9]))?Z$/;
const UTC = /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/;

/** Reads UTCTime or GeneralizedTime (RFC 5280 §4.1.2.5, RFC 3161 §2.4.2), in milliseconds. */
export function timeOf(der: Der | undefined, what: string): number {
  const text = String.fromCharCode(...(der?.content.slice(0, 40) ?? []));
  const parts =
    der?.tag === TAG.utcTime ? UTC.exec(text) : der?.tag === TAG.generalizedTime && GENERALIZED.exec(text);
  if (!parts) throw malformed(`${what} is no time in UTC`);
  const [, year = "", month, day, hour, minute, second, fraction = ""] = parts;
  const century = year.length === 4 ? "" : Number(year) < 50 ? "20" : "19";
  const iso = `${century}${year}-${month}-${day}T${hour}:${minute}:${second}.${fraction.padEnd(3, "0").slice(0, 3)}Z`;
  const time = Date.parse(iso);
  // Date.parse may take 30 February for 1 March.
  if (Number.isNaN(time) || new Date(time).toISOString() !== iso) throw malformed(`${what} is no date`);
  return time;
}

export function malformed(detail: string): InvalidTimestamp {
  return new InvalidTimestamp("malformed", detail);
}

/** Writes one value of DER. */
export function tlv(tag: number, ...contents: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const content = concat(...contents);
  if (content.length < 0x80) return concat(Uint8Array.of(tag, content.length), content);
  const length: number[] = [];
  for (let rest = content.length; rest > 0; rest = Math.floor(rest / 256)) length.unshift(rest % 256);
  return concat(Uint8Array.of(tag, 0x80 | length.length, ...length), content);
}

/** Writes a number of these bytes, which has no sign. */
export function unsignedInteger(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const start = bytes.findIndex((byte) => byte !== 0);
  const digits = start === -1 ? Uint8Array.of(0) : bytes.slice(start);
  return tlv(TAG.integer, (digits[0] as number) >= 0x80 ? Uint8Array.of(0) : new Uint8Array(), digits);
}

export function oid(dotted: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new ObjectIdentifier({ value: dotted }).toBER());
}
