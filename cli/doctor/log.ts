import { equalBytes } from "../../shared/crypto/bytes.ts";
import { parseCheckpoint } from "../../shared/tlog/checkpoint.ts";
import { InvalidLog } from "../../shared/tlog/invalid-log.ts";
import { parseNote } from "../../shared/tlog/note.ts";
import { ChainState } from "../chain/state.ts";
import type { Client } from "../http/client.ts";
import { logMemoryOf } from "../monitor/log-memory.ts";
import { notesOf, openNotes, type Opened } from "../monitor/open-notes.ts";
import { ServedLog } from "../monitor/served-log.ts";
import { CommandFailure, EXIT } from "../output/failure.ts";
import { counted } from "../output/words.ts";
import { finding, unknown, Warning, type Finding } from "./finding.ts";

/** A checkpoint follows a block within a minute or two. */
const LATE_AFTER_MS = 10 * 60_000;

/**
 * Checks the logs of a deployment: endorsed keys, signed checkpoints that are not late, and a monitor that remembers them.
 * @param file state of a `vdc monitor`
 * @param now milliseconds since the epoch
 */
export async function checkLog(client: Client, file: string | undefined, now: number): Promise<Finding[]> {
  let opened: Opened | undefined;
  const signed = await finding("log", async () => {
    opened = await openedLog(client);
    return opened === undefined
      ? "no block yet, so there is no checkpoint"
      : `the chain endorses the log's keys, and they signed the checkpoint of ${counted(opened.blocks.size, "block")}`;
  });
  if (opened === undefined)
    return signed.state === "good"
      ? [signed]
      : [signed, unknown("checkpoint", "not checked, for the log can't be verified")];
  const { blocks } = opened;
  return [
    signed,
    await finding("checkpoint", () => ageText(client, blocks.size, now)),
    await finding("monitor", () => rememberedText(file, opened as Opened)),
  ];
}

async function openedLog(client: Client): Promise<Opened | undefined> {
  const log = new ServedLog(client.url);
  const { chainId, genesisHash, signingKeys } = await client.call("GET /.well-known/vdc.json");
  if (genesisHash === null) return undefined;
  const notes = await notesOf(log);
  if (notes === undefined)
    throw new CommandFailure(
      `${client.url} has blocks and no checkpoint: look for checkpoint failures with \`vdc status\`, and whether LOG_KEYRING and LOG_ORIGIN are set`,
    );
  try {
    return await openNotes(log, { chainId, genesisHash, keys: signingKeys }, {}, null, notes);
  } catch (error) {
    if (!(error instanceof InvalidLog)) throw error;
    throw new CommandFailure(
      `${error.message} (${error.fault}): nobody outside accepts this log. See whether LOG_KEYRING was changed, and let \`vdc monitor\` keep the evidence`,
      EXIT.unverified,
    );
  }
}

async function ageText(client: Client, size: number, now: number): Promise<string> {
  const latest = await client.find("GET /api/vdc/latest");
  const waiting = latest === undefined ? 0 : latest.blockNumber + 1 - size;
  if (waiting <= 0) return "it covers every published block";
  const { timestamp } = await client.call("GET /api/vdc/blocks/:blockNumber", {
    params: { blockNumber: size },
  });
  const minutes = Math.floor((now - timestamp) / 60_000);
  if (now - timestamp > LATE_AFTER_MS)
    throw new CommandFailure(
      `${counted(waiting, "published block")} without a checkpoint, the oldest of them for ${counted(minutes, "minute")}: \`vdc status\` says what fails; strangers will call it a stall`,
    );
  return `${counted(waiting, "block")} not yet covered, for less than ten minutes`;
}

async function rememberedText(file: string | undefined, { blocks, transactions }: Opened): Promise<string> {
  if (file === undefined)
    throw new Warning(
      "no monitor is known: run `vdc monitor --state <file>` on another machine (docs/monitor.md), and show its state here with --state <file>",
    );
  const state = ChainState.open(file);
  try {
    const { newest } = logMemoryOf(state);
    if (newest === null)
      throw new Warning(`${file} remembers no checkpoint: run \`vdc monitor --state ${file}\``);
    for (const [note, now] of [
      [newest.blocks, blocks],
      [newest.transactions, transactions],
    ] as const) {
      const before = parseCheckpoint(parseNote(note).text);
      if (now.size < before.size || (now.size === before.size && !equalBytes(now.root, before.root)))
        throw new CommandFailure(
          `the log ${now.origin} has ${now.size} entries, and ${file} remembers another one of ${before.size}: run \`vdc monitor --once --state ${file}\`, which writes the evidence`,
          EXIT.unverified,
        );
    }
    return `${file} remembers the checkpoint of ${counted(newest.size, "block")}`;
  } finally {
    state.close();
  }
}
