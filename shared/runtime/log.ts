/** Values of a log line: facts, never contents. */
export type Fields = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** Writes one JSON object a line, one line an event: `{ time, level, worker, event, … }`. */
export interface Log {
  info(event: string, fields?: Fields): void;
  warn(event: string, fields?: Fields): void;
  error(event: string, fields?: Fields): void;
  /** The same log, with these fields on every line. */
  with(fields: Fields): Log;
}

export function logger(worker: string, context: Fields = {}): Log {
  const line = (level: string, event: string, fields: Fields) =>
    JSON.stringify({ time: new Date().toISOString(), level, worker, event, ...context, ...fields }, scrubbed);
  return {
    info: (event, fields = {}) => console.log(line("info", event, fields)),
    warn: (event, fields = {}) => console.warn(line("warn", event, fields)),
    error: (event, fields = {}) => console.error(line("error", event, fields)),
    with: (fields) => logger(worker, { ...context, ...fields }),
  };
}

// Scrubs each value before serialisation: in a finished line, the letter of an escape (\n) would count as part of the
// next word.
function scrubbed(_: string, value: unknown): unknown {
  return typeof value === "string" ? scrub(value) : value;
}

// Both patterns are linear in the text: an error may quote a whole page. %40 is the @ of a URL; RFC 5321 §4.5.3.1.1 sets
// the 64.
const EMAIL = /[\w.+%-]{1,64}(?:@|%40)[\w-]+(?:\.[\w-]+)+/g;
const SECRET = /(?:whsec_|sk_live_|sk_test_|rk_live_|rk_test_)\w+|vdc_at_[\w-]+|eyJ[\w-]+(?:\.[\w-]*)*/g;

/** Removes e-mail addresses and keys, which the message of a foreign error may hold. This is the last guard. */
export function scrub(text: string): string {
  return text.replaceAll(EMAIL, "[e-mail]").replaceAll(SECRET, "[secret]");
}

/** For logs: with the cause, whose words may be a library's. `reasonText` has the words for people. */
export function errorText(error: unknown): string {
  return scrub(textOf(error).slice(0, 2_000)).slice(0, 500).toWellFormed(); // a cut may split a surrogate pair
}

function textOf(error: unknown): string {
  try {
    if (!(error instanceof Error)) return String(error);
    const { name, message, cause } = error;
    const text = `${name}: ${message}`;
    if (cause instanceof Error) return `${text}; cause: ${cause.name}: ${cause.message}`;
    return typeof cause === "string" ? `${text}; cause: ${cause}` : text;
  } catch {
    return "an error that has no text";
  }
}
