import { randomUUID } from "node:crypto";
import { Command } from "commander";
import { operatorClient, type Client } from "../../http/client.ts";
import { REPLAY_RATE, type Replay } from "../../../shared/api/dead-letters.ts";
import { filtered } from "../../dead-letters/filter.ts";
import { allOption, idsArgument, selectionOf, type SelectionOptions } from "../../dead-letters/selection.ts";
import { planText, replayText } from "../../dead-letters/texts.ts";
import { CommandFailure } from "../../output/failure.ts";
import { follow } from "../../http/follow.ts";
import { confirm } from "../../output/confirm.ts";
import { note, show } from "../../output/show.ts";
import { counted } from "../../output/words.ts";
import { connected, examples, reason, wholeNumber, type Connected } from "../options.ts";

interface Options extends Connected, SelectionOptions {
  readonly reason: string;
  readonly rate?: number;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly wait: boolean;
}

const REPLAYS = "POST /api/dead-letters/replays";

export function replayCommand(): Command {
  return connected(filtered(new Command("replay")))
    .description("send dead letters to their stages again, once their cause is mended")
    .addArgument(idsArgument())
    .addOption(allOption())
    .requiredOption("--reason <text>", "why: it is kept in the audit log", reason)
    .option(
      "--rate <n>",
      `how many a second at most (default: ${REPLAY_RATE.otherwise})`,
      wholeNumber(REPLAY_RATE.least, REPLAY_RATE.most),
    )
    .option("--dry-run", "say what would happen, and do nothing")
    .option("--yes", "don't ask")
    .option("--no-wait", "don't follow the replay")
    .addHelpText(
      "after",
      `
It is said first what would happen to each, and of the first 100 also which would fail again and why: mend that before, for they
are sent too. What is mined already is skipped: a replay never mines a transaction twice.
${examples(
  'dead-letters replay 0123456789abcdef0123456789abcdef --reason "key 9c41 is back in the keyring"',
  'dead-letters replay --stage tier-persister --cause retries_exhausted --reason "Pinata is back" --rate 20 --yes',
  'dead-letters replay --all --reason "looking" --dry-run --json | jq .wouldReplay',
)}`,
    )
    .action(replay);
}

const SENT_IS_NOT_DONE = `What was sent is done once it is resolved: \`vdc dead-letters list --state replaying\` shows what is not yet.
A transaction that was set aside is mined with what is asked for next: \`vdc mine\`.`;

async function replay(ids: readonly string[], options: Options): Promise<void> {
  const selection = selectionOf(ids, options);
  const client = operatorClient(options);
  const { reason, rate } = options;
  const request = { select: selection, reason, ...(rate !== undefined && { ratePerSecond: rate }) };
  const plan = await client.call(REPLAYS, { body: { ...request, dryRun: true } });
  if (!("dryRun" in plan)) throw new Error("the deployment replays dead letters in a dry run");
  if (options.dryRun) return show(options, plan, planText);
  const { wouldReplay, wouldFail, more } = plan;
  const wouldSend = wouldReplay + wouldFail;
  if (wouldSend === 0 && !more) {
    note("nothing is to be replayed, so nothing was started");
    return show(options, plan, planText);
  }
  note(planText(plan));
  await confirm(
    `${more ? "all that are selected" : counted(wouldSend, "dead letter")} will be replayed`,
    options,
  );

  // The key makes it one replay, however often the request is sent.
  const started = await client.call(REPLAYS, { body: request, idempotencyKey: randomUUID() });
  if ("dryRun" in started) throw new Error("the deployment made a dry run of a replay");
  const ended = options.wait ? await followReplay(client, started) : started;
  show(options, ended, replayText);
  if (ended.replayed > 0) note(SENT_IS_NOT_DONE);
  if (ended.state === "aborted") throw new CommandFailure(`replay ${ended.id} was aborted`);
  if (ended.failed > 0)
    throw new CommandFailure(
      `${counted(ended.failed, "dead letter")} could not be replayed: the details above say why`,
    );
}

function followReplay(client: Client, started: Replay): Promise<Replay> {
  note(
    `Replay ${started.id} goes on by itself when you leave; \`vdc dead-letters replays ${started.id}\` shows it, \`vdc dead-letters abort ${started.id}\` ends it.`,
  );
  return follow(started, {
    doing: "replaying",
    of: "dead letters",
    total: started.total,
    done: ({ replayed, skipped, failed }) => replayed + skipped + failed,
    read: () => client.call("GET /api/dead-letters/replays/:id", { params: { id: started.id } }),
  });
}
