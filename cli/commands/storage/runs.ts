import { Command } from "commander";
import { operatorClient } from "../../http/client.ts";
import { show } from "../../output/show.ts";
import { table } from "../../output/table.ts";
import { time } from "../../output/words.ts";
import type { RunList } from "../../../shared/api/storage-verify.ts";
import { followRun, readRun } from "../../storage/follow-run.ts";
import { runText } from "../../storage/tables.ts";
import { requireValidRun } from "../../storage/require-valid.ts";
import { connected, examples, type Connected } from "../options.ts";

export function runsCommand(): Command {
  return connected(new Command("runs"))
    .description("the latest runs, or one with the blocks that were not sound")
    .argument("[id]", "a run's id")
    .addHelpText("after", examples("storage runs", "storage runs --json | jq '.runs[0].state'"))
    .action(async (id: string | undefined, options: Connected) => {
      const client = operatorClient(options);
      if (id !== undefined) {
        const run = await readRun(client, id);
        show(options, run, runText);
        return requireValidRun(run);
      }
      show(options, await client.call("GET /api/storage-verify/runs"), asText);
    });
}

export function abortCommand(): Command {
  return connected(new Command("abort"))
    .description("end a run; what it has done stays")
    .argument("<id>", "the run's id")
    .addHelpText("after", examples("storage abort 0f5e6c1e-5a0b-4d53-9c1c-9a4a6f3f7f0e"))
    .action(async (id: string, options: Connected) => {
      const params = { runId: id };
      const run = await operatorClient(options).call("DELETE /api/storage-verify/runs/:runId", { params });
      show(options, run, runText);
    });
}

export function resumeRunCommand(): Command {
  return connected(new Command("resume"))
    .description("let a run that was aborted, or has failed, go on where it stopped")
    .argument("<id>", "the run's id")
    .option("--no-wait", "don't follow the run")
    .addHelpText("after", examples("storage resume 0f5e6c1e-5a0b-4d53-9c1c-9a4a6f3f7f0e"))
    .action(async (id: string, options: Connected & { readonly wait: boolean }) => {
      const client = operatorClient(options);
      const params = { runId: id };
      const resumed = await client.call("POST /api/storage-verify/runs/:runId/resume", { params });
      const run = options.wait ? await followRun(client, resumed) : resumed;
      show(options, run, runText);
      requireValidRun(run);
    });
}

function asText({ runs }: RunList): string {
  if (runs.length === 0) return "there was no run yet";
  const rows = runs.map((run) => [
    run.id,
    run.kind,
    run.state,
    time(run.startedAt),
    run.by,
    `${run.next - run.firstBlock} of ${run.totalBlocks}`,
    run.rehydrated,
    run.partial,
    run.failed,
  ]);
  return table(["run", "kind", "state", "started", "by", "blocks", "rehydrated", "partial", "failed"], rows);
}
