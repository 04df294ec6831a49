/** Values of a log line: facts, never contents. */
export type Fields = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** One JSON object a line, one line an event: `{ time, level, worker, event, … }`. */
export interface Log {
  info(event: string, fields?: Fields): void;
  warn(event: string, fields?: Fields): void;
  error(event: string, fields?: Fields): void;
  /** The same log, with these fields on every line. */
  with(fields: Fields): Log;
}

export function logger(worker: string, context: Fields = {}): Log {
  const line = (level: string, event: string, fields: Fields) =>
    scrub(JSON.stringify({ time: new Date().toISOString(), level, worker, event, ...context, ...fields }));
  return {
    info: (event, fields = {}) => console.log(line("info", event, fields)),
    warn: (event, fields = {}) => console.warn(line("warn", event, fields)),
    error: (event, fields = {}) => console.error(line("error", event, fields)),
    with: (fields) => logger(worker, { ...context, ...fields }),
  };
}

const EMAIL = /[\w.+%-]+(?:@|%40)[\w-]+(?:\.[\w-]+)+/g; // %40: the @ of a URL
const SECRET = /\b(?:whsec_|sk_live_|sk_test_|rk_live_|rk_test_)\w+|\beyJ[\w-]+\.[\w-]+\.[\w-]+/g;

/** The last guard: the message of a foreign error may carry an e-mail address or a key. */
export function scrub(text: string): string {
  return text.replaceAll(EMAIL, "[e-mail]").replaceAll(SECRET, "[secret]");
}

export function errorText(error: unknown): string {
  return scrub(error instanceof Error ? `${error.name}: ${error.message}` : String(error)).slice(0, 500);
}
