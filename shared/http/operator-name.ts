// Who an operator says to be: a name in any script, in the header `x-operator` and in the audit log.

const MAX_LENGTH = 100; // UTF-16 units, as the audit log takes
const CONTROL = /[\p{Cc}\u2028\u2029\u202A-\u202E\u2066-\u2069]+/gu;

/** The name as the audit log keeps it: on one line, well-formed, and not cut within a character. */
export function operatorNameOf(given: string): string {
  const name = given.toWellFormed().replaceAll(CONTROL, " ").trim();
  return name
    .slice(0, MAX_LENGTH)
    .replace(/[\uD800-\uDBFF]$/, "")
    .trim();
}

const EXTENDED = "UTF-8''";

/** A header is ASCII: another name is sent as RFC 8187 has it, `UTF-8''` and percent-encoded UTF-8. */
export function nameInHeader(name: string): string {
  return /^[\x20-\x7e]*$/.test(name) && !isExtended(name) ? name : `${EXTENDED}${encodeURIComponent(name)}`;
}

/** @param value as RFC 8187 has it, or plain: then its bytes are UTF-8, as a shell sends them, or else Latin-1 */
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
    return text; // it is no UTF-8: what was sent is kept
  }
}

/** Where `headers.get` gives each byte as a character of its own, the bytes tell more. */
function decodedBytes(value: string): string {
  const units = Array.from({ length: value.length }, (_, at) => value.charCodeAt(at));
  if (units.some((unit) => unit > 0xff) || units.every((unit) => unit < 0x80)) return value;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(Uint8Array.from(units));
  } catch {
    return value;
  }
}
