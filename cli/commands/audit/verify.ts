import { Command, InvalidArgumentError } from "commander";
import { AuditChainVerifier, BrokenAuditChain, type AuditHead } from "../../../shared/chain/audit-chain.ts";
import { operatorClient, type Client } from "../../http/client.ts";
import { startProgress } from "../../output/progress.ts";
import { show } from "../../output/show.ts";
import { facts } from "../../output/table.ts";
import { mark } from "../../output/words.ts";
import { auditPage, broken, entriesOfFile } from "../../records/audit-file.ts";
import { connected, examples, path, type Connected } from "../options.ts";

interface Options extends Connected {
  readonly head: readonly AuditHead[];
}

interface AuditLogReport {
  readonly verified: true;
  readonly entries: number;
  readonly head: AuditHead | null;
  /** Sequences of `asked` entries without a recorded outcome. */
  readonly unanswered: readonly number[];
}

export function verifyCommand(): Command {
  return connected(new Command("verify"))
    .description(
      "verify the whole log from its first entry on: that nothing was changed, taken out or put in",
    )
    .argument(
      "[file]",
      "audit.ndjson of `vdc export --records`, verified offline (default: the deployment's log)",
      path,
    )
    .option(
      "--head <entry:hash>",
      "an end of the log that you noted before: it must be in it still. May be given more than once",
      addHead,
      [],
    )
    .addHelpText(
      "after",
      `
Hashes alone don't show that a log was written anew from some entry on: note the head that this prints, and give it the
next time.
${examples("audit verify", "audit verify records/audit.ndjson", "audit verify --head 41:4e1931c9d1cf383ead21031e3251838bf872b1c379043d646bc46304ded4d310")}`,
    )
    .action(verify);
}

async function verify(file: string | undefined, options: Options): Promise<void> {
  try {
    const report =
      file === undefined
        ? await verifyLog(operatorClient(options), options.head)
        : await verifyFile(file, options.head);
    show<AuditLogReport>(options, report, asText);
  } catch (error) {
    if (!(error instanceof BrokenAuditChain)) throw error;
    const { sequence, fault, message: detail } = error;
    if (options.json) show(options, { verified: false, sequence, fault, detail }, () => "");
    throw broken(file ?? "the audit log", error);
  }
}

/** Verifies a file that `vdc export --records` wrote, offline. @throws BrokenAuditChain */
async function verifyFile(file: string, noted: readonly AuditHead[]): Promise<AuditLogReport> {
  const verifier = new AuditChainVerifier(noted);
  for await (const _ of entriesOfFile(file, verifier));
  const head = verifier.finish();
  return { verified: true, entries: head?.sequence ?? 0, head, unanswered: verifier.unfinished };
}

/** @throws BrokenAuditChain */
async function verifyLog(client: Client, noted: readonly AuditHead[]): Promise<AuditLogReport> {
  const verifier = new AuditChainVerifier(noted);
  let page = await auditPage(client, 1);
  const progress = startProgress({ doing: "verifying", total: page.head?.sequence ?? 0, of: "entries" });
  try {
    for (;;) {
      for (const entry of page.entries) verifier.add(entry);
      progress.to(verifier.head?.sequence ?? 0);
      if (page.next === null || page.entries.length === 0) break;
      page = await auditPage(client, page.next);
    }
  } finally {
    progress.end();
  }
  const head = verifier.finish();
  const entries = head?.sequence ?? 0;
  if (page.head?.hash !== head?.hash)
    throw new BrokenAuditChain(
      "truncated",
      entries + 1,
      `its entries end with ${entries}, its head is another`,
    );
  return { verified: true, entries, head, unanswered: verifier.unfinished };
}

function asText({ entries, head, unanswered }: AuditLogReport): string {
  return [
    facts([
      ["entries", entries],
      ["head", head === null ? null : `${head.sequence}:${head.hash}`],
      ["without an outcome", unanswered.join(", ")],
    ]),
    "",
    `${mark(true)} Every entry is as it was written, and follows the one before. Note the head, to hold the log to it later.`,
  ].join("\n");
}

export function addHead(text: string, heads: readonly AuditHead[]): readonly AuditHead[] {
  const [, sequence, hash] = /^([1-9]\d{0,14}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (sequence === undefined || hash === undefined)
    throw new InvalidArgumentError(
      "expected an entry's number and its hash, as `vdc audit verify` prints them",
    );
  return [...heads, { sequence: Number(sequence), hash }];
}
