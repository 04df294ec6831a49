import { InvalidLog } from "./invalid-log.ts";
import { hasControls, parseVkey, type VerifierKey } from "./vkey.ts";

export interface PolicyLog {
  readonly key: VerifierKey;
  readonly url?: string;
}

export interface PolicyWitness {
  readonly name: string;
  readonly key: VerifierKey;
  /** Address of its submission interface: C2SP tlog-witness. */
  readonly url?: string;
}

interface PolicyGroup {
  readonly name: string;
  /** Number of members that must have cosigned. */
  readonly threshold: number;
  readonly members: readonly string[];
}

/** C2SP tlog-policy: the logs that a verifier knows, and which witnesses must have cosigned a checkpoint. */
export interface TlogPolicy {
  readonly logs: readonly PolicyLog[];
  readonly witnesses: readonly PolicyWitness[];
  readonly groups: readonly PolicyGroup[];
  /** Name of a witness or group; `none`: no cosignature is needed. */
  readonly quorum: string;
}

const MAX_POLICY_BYTES = 100_000;
const NONE = "none";

/** @throws InvalidLog("malformed_policy") that names the line */
export function parsePolicy(text: string): TlogPolicy {
  if (text.length > MAX_POLICY_BYTES) throw malformed(0, `it is longer than ${MAX_POLICY_BYTES} bytes`);
  const logs: PolicyLog[] = [];
  const witnesses: PolicyWitness[] = [];
  const groups: PolicyGroup[] = [];
  const members = new Set<string>();
  let quorum: string | undefined;
  for (const [i, line] of text.split("\n").entries()) {
    const number = i + 1;
    if (hasControls(line.replaceAll("\t", ""))) throw malformed(number, "it has a control character");
    if (line.trimStart().startsWith("#")) continue;
    const words = line.split(/[ \t]+/).filter((word) => word !== "");
    const [keyword, ...rest] = words;
    if (keyword === undefined) continue;
    const isTaken = (name: string) =>
      name === NONE || [...witnesses, ...groups].some((earlier) => earlier.name === name);
    switch (keyword) {
      case "log": {
        const [vkey = "", url, ...more] = rest;
        if (more.length > 0) throw malformed(number, "expected log <vkey> [url]");
        logs.push({ key: keyIn(vkey, number), ...urlIn(url, number) });
        break;
      }
      case "witness": {
        const [name = "", vkey = "", url, ...more] = rest;
        if (vkey === "" || more.length > 0) throw malformed(number, "expected witness <name> <vkey> [url]");
        if (isTaken(name)) throw malformed(number, `the name ${name} is taken`);
        witnesses.push({ name, key: keyIn(vkey, number), ...urlIn(url, number) });
        break;
      }
      case "group": {
        const [name = "", count = "", ...names] = rest;
        if (names.length === 0) throw malformed(number, "expected group <name> all|any|<number> <names>");
        if (isTaken(name)) throw malformed(number, `the name ${name} is taken`);
        for (const member of names) {
          if (member === NONE || !isTaken(member)) throw malformed(number, `${member} is not defined above`);
          if (members.has(member)) throw malformed(number, `${member} is already a member of a group`);
          members.add(member);
        }
        groups.push({ name, threshold: thresholdOf(count, names.length, number), members: names });
        break;
      }
      case "quorum": {
        const [name = "", ...more] = rest;
        if (more.length > 0 || quorum !== undefined)
          throw malformed(number, "expected quorum <name>|none, once");
        if (name !== NONE && !isTaken(name)) throw malformed(number, `${name} is not defined above`);
        quorum = name;
        break;
      }
      default:
        throw malformed(number, `it begins with neither log, witness, group nor quorum`);
    }
  }
  if (quorum === undefined) throw malformed(0, "it has no quorum line");
  return { logs, witnesses, groups, quorum };
}

/**
 * Decides whether these keys satisfy the policy's quorum.
 * @param cosigned keys of witnesses whose cosignatures verify
 */
export function quorumReached(policy: TlogPolicy, cosigned: readonly VerifierKey[]): boolean {
  const holds = (name: string): boolean => {
    const witness = policy.witnesses.find((one) => one.name === name);
    if (witness !== undefined)
      return cosigned.some(({ name, id }) => name === witness.key.name && id === witness.key.id);
    const group = policy.groups.find((one) => one.name === name);
    return group !== undefined && group.members.filter(holds).length >= group.threshold;
  };
  return policy.quorum === NONE || holds(policy.quorum);
}

function thresholdOf(count: string, members: number, line: number): number {
  if (count === "all") return members;
  if (count === "any") return 1;
  const threshold = /^[1-9]\d{0,3}$/.test(count) ? Number(count) : 0;
  if (threshold < 1 || threshold > members)
    throw malformed(line, `the threshold must be all, any or a number from 1 to ${members}`);
  return threshold;
}

function keyIn(vkey: string, line: number): VerifierKey {
  try {
    return parseVkey(vkey);
  } catch (error) {
    throw malformed(line, error instanceof Error ? error.message : "its key can't be read");
  }
}

function urlIn(url: string | undefined, line: number): { url?: string } {
  if (url === undefined) return {};
  if (!/^https?:\/\//.test(url) || !URL.canParse(url)) throw malformed(line, `${url} is no URL`);
  return { url };
}

function malformed(line: number, detail: string): InvalidLog {
  return new InvalidLog("malformed_policy", `the policy${line === 0 ? "" : `, line ${line}`}: ${detail}`);
}
