import { InvalidLog } from "../tlog/invalid-log.ts";
import { isOrigin } from "../tlog/checkpoint.ts";
import { ED25519_COSIGNATURE, parseVkey, type VerifierKey } from "../tlog/vkey.ts";

/** The keys of each log that a witness follows, by origin. */
export type FollowedLogs = ReadonlyMap<string, readonly VerifierKey[]>;

const MAX_KEYS = 100;

/**
 * Reads the setting `WITNESS_LOGS`: a vkey a line, several for one origin. Empty lines and lines that begin with # are left out.
 * @throws InvalidLog("malformed_key") that names the line
 */
export function parseFollowedLogs(text: string): FollowedLogs {
  const lines = text.split("\n").map((line, i) => ({ line: line.trim(), number: i + 1 }));
  const listed = lines.filter(({ line }) => line !== "" && !line.startsWith("#"));
  if (listed.length > MAX_KEYS)
    throw new InvalidLog("malformed_key", `WITNESS_LOGS lists more than ${MAX_KEYS} keys`);
  return Map.groupBy(
    listed.map(({ line, number }) => keyOf(line, number)),
    ({ name }) => name,
  );
}

function keyOf(line: string, number: number): VerifierKey {
  const key = parsed(line, number);
  if (!isOrigin(key.name))
    throw new InvalidLog(
      "malformed_key",
      `WITNESS_LOGS, line ${number}: the key's name is no origin of a log`,
    );
  if (key.type === ED25519_COSIGNATURE)
    throw new InvalidLog(
      "malformed_key",
      `WITNESS_LOGS, line ${number}: the key is a witness's, not a log's`,
    );
  return key;
}

function parsed(line: string, number: number): VerifierKey {
  try {
    return parseVkey(line);
  } catch (error) {
    throw new InvalidLog(
      "malformed_key",
      `WITNESS_LOGS, line ${number}: ${error instanceof Error ? error.message : "unreadable"}`,
    );
  }
}
