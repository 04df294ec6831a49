// The operator's name, in any script, as it stands in the header `x-operator` and in the audit log.

/** Header with the operator's name for the audit log, sent beside the secret that all operators share. */
export const OPERATOR_NAME_HEADER = "x-operator";

const MAX_LENGTH = 100; // UTF-16 units, the audit log's limit
const CONTROL = /[\p{Cc}\u2028\u2029\u202A-\u202E\u2066-\u2069]+/gu;

/** The name as the audit log stores it: on one line, well-formed, and not cut inside a character. */
export function operatorNameOf(given: string): string {
  const name = given.toWellFormed().replaceAll(CONTROL, " ").trim();
  return name
    .slice(0, MAX_LENGTH)
    .replace(/[\uD800-\uDBFF]$/, "")
    .trim();
}

const EXTENDED = "UTF-8''";

/** Encodes a name for a header, which is ASCII. Other names are sent by RFC 8187: `UTF-8''` and percent-encoded UTF-8. */
export function nameInHeader(name: string): string {
  return /^[\x20-\x7e]*$/.test(name) && !isExtended(name) ? name : `${EXTENDED}${encodeURIComponent(name)}`;
}

/** @param value encoded by RFC 8187, or plain: then its bytes are UTF-8, as a shell sends them, or else Latin-1 */
export function nameOfHeader(value: string): string {
  return operatorNameOf(
    isExtended(value) ? decodedPercent(value.slice(EXTENDED.length)) : decodedBytes(value),
  );
}

function isExtended(value: string): boolean {
  return value.slice(0, EXTENDED.length).toUpperCase() === EXTENDED;
}

function decodedPercent(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // the text is not UTF-8: it stays as sent
  }
}

/** Decodes a value from `headers.get`, which gives each byte as one character. */
function decodedBytes(value: string): string {
  const units = Array.from({ length: value.length }, (_, at) => value.charCodeAt(at));
  if (units.some((unit) => unit > 0xff) || units.every((unit) => unit < 0x80)) return value;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(Uint8Array.from(units));
  } catch {
    return value;
  }
}
