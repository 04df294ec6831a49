import { Command, InvalidArgumentError, Option } from "commander";
import { CidV0 } from "../../shared/chain/transaction.ts";
import { ChainCar } from "../car/read.ts";
import { headOption, requireHead, type NotedHead } from "../chain/head.ts";
import { publishedChain } from "../chain/published.ts";
import { ChainWatch, reportRows, type ChainReport } from "../chain/report.ts";
import { ChainState, stateOption } from "../chain/state.ts";
import { requireTrusted, untrustedText } from "../chain/untrusted.ts";
import { UnverifiedChain, verifySource } from "../chain/verify.ts";
import { ChainByCid } from "../ipfs/walk-back.ts";
import { Gateways, PUBLIC_GATEWAYS } from "../ipfs/gateways.ts";
import { publicClient } from "../http/client.ts";
import { CommandFailure, EXIT } from "../output/failure.ts";
import { show } from "../output/show.ts";
import { facts } from "../output/table.ts";
import { mark } from "../output/words.ts";
import { baseAddress, connected, examples, ofSchema, path, type Connected } from "./options.ts";

interface Options extends Connected {
  readonly genesis?: string;
  readonly head?: NotedHead;
  readonly state?: string;
  readonly cid?: string;
  readonly gateway?: readonly string[];
}

export function chainCommand(): Command {
  return connected(new Command("chain"))
    .description("the whole chain, link by link; the default")
    .argument(
      "[file.car]",
      "what `vdc export` wrote; without it, the chain that the deployment publishes",
      path,
    )
    .addOption(genesisOption())
    .addOption(headOption())
    .addOption(stateOption())
    .addOption(cidOption())
    .addOption(gatewayOption())
    .addHelpText(
      "after",
      `
Recomputed of each block: canonical form, hash, Merkle root, the system's signature, the users' signatures with the ids
of what they signed, links to all before it, CID. And over the whole chain: an asset is created once and transferred by
its owner only, a user is registered once, with the user's own key. With a file, no network is used. A chain vouches for
its own beginning, so compare the genesis hash with one that you know from elsewhere.
Blocks that a key signed from which a later block withdraws trust are named: the chain is whole, and the exit code is 8.
The holder of the signing key can change a block and sign all later ones anew, and the genesis hash stays. So note the
latest block and its hash: with --head, that block must be in the chain.
With --state, only what came since is read, and a chain that was cut or changed before that place is found out.
With --cid, the chain that ends with the block of this CID is read from IPFS gateways, back to genesis and then forward: no
deployment is asked. A gateway is not trusted: its bytes must have the CID. That no block comes after is not shown.
${examples("verify chain", "verify vdc-main-41.car --genesis 4e1931c9…", "verify --cid QmYodC1f… --genesis 4e1931c9…", "verify --state vdc-main.state", "verify --json | jq .latest")}`,
    )
    .action(verify);
}

export function genesisOption(): Option {
  return new Option("--genesis <hash>", "the hash that block 0 must have, known from elsewhere").argParser(
    hash,
  );
}

function cidOption(): Option {
  return new Option("--cid <cid>", "verify the chain that ends with this block, read from IPFS").argParser(
    ofSchema(CidV0),
  );
}

function gatewayOption(): Option {
  return new Option(
    "--gateway <url>",
    `base URL of an IPFS gateway for --cid; give it several times to try several in turn (default: ${PUBLIC_GATEWAYS.join(", ")})`,
  ).argParser((text: string, others: readonly string[] | undefined) => [
    ...(others ?? []),
    baseAddress(text),
  ]);
}

async function verify(file: string | undefined, options: Options): Promise<void> {
  const { genesis, cid } = options;
  if (file !== undefined && cid !== undefined)
    throw new CommandFailure("give a file or --cid, not both: each is a chain of its own", EXIT.usage);
  if (options.gateway !== undefined && cid === undefined)
    throw new CommandFailure("--gateway names where --cid is read, so give --cid too", EXIT.usage);
  const state = ChainState.open(options.state);
  try {
    const { verifiedBefore, source, report } = await (file !== undefined
      ? verifyFile(state, file, options)
      : cid !== undefined
        ? verifyByCid(state, cid, options)
        : verifyPublished(state, options));
    const resumed = verifiedBefore === 0 ? {} : { verifiedBefore };
    show(
      options,
      { verified: true, source, genesisPinned: genesis !== undefined, ...resumed, ...report },
      asText,
    );
    requireTrusted(report.untrusted);
  } catch (error) {
    if (options.json && error instanceof CommandFailure && error.exitCode === EXIT.unverified) {
      const { blockNumber = null, fault = null } = error instanceof UnverifiedChain ? error : {};
      show(options, { verified: false, blockNumber, fault, detail: error.message }, () => "");
    }
    throw error;
  } finally {
    state.close();
  }
}

interface Verified {
  readonly source: string;
  /** Number of blocks in the state before this run. */
  readonly verifiedBefore: number;
  readonly report: ChainReport;
}

async function verifyPublished(state: ChainState, options: Options): Promise<Verified> {
  const client = publicClient(options);
  const { head } = options;
  const verifiedBefore = state.end?.next ?? 0;
  const { latest, source, blocks } = await publishedChain(client, options.genesis, state);
  const watch = new ChainWatch(state);
  for await (const _ of watch.watch(blocks, latest.blockNumber + 1));
  if (head !== undefined) await requireHead(source, state, head);
  return { source: client.url, verifiedBefore, report: watch.report };
}

async function verifyByCid(
  state: ChainState,
  cid: string,
  { genesis, head, gateway = PUBLIC_GATEWAYS }: Options,
): Promise<Verified> {
  const verifiedBefore = state.end?.next ?? 0;
  const gateways = new Gateways(gateway);
  const first = Math.min(Math.max(0, verifiedBefore - 1), head?.blockNumber ?? Infinity);
  const chain = await ChainByCid.walk(cid, (cid) => gateways.read(cid), first);
  try {
    const watch = new ChainWatch(state);
    for await (const _ of watch.watch(verifySource(chain, genesis, state), chain.count));
    if (head !== undefined) await requireHead(chain, state, head);
    return { source: cid, verifiedBefore, report: watch.report };
  } finally {
    chain.close();
  }
}

async function verifyFile(state: ChainState, file: string, { genesis, head }: Options): Promise<Verified> {
  const verifiedBefore = state.end?.next ?? 0;
  const car = await ChainCar.open(file);
  try {
    const watch = new ChainWatch(state);
    for await (const _ of watch.watch(verifySource(car, genesis, state), car.count));
    if (head !== undefined) await requireHead(car, state, head);
    return { source: file, verifiedBefore, report: watch.report };
  } finally {
    await car.close();
  }
}

function asText(
  report: ChainReport & { readonly genesisPinned: boolean; readonly verifiedBefore?: number },
): string {
  const { verifiedBefore } = report;
  return [
    facts([
      ...reportRows(report),
      ...(verifiedBefore === undefined ? [] : [["verified before", `${verifiedBefore} of them`] as const]),
    ]),
    "",
    `${mark(true)} Every block is what its hash says, signed by the key that the chain announced last before it, and linked to all before it.`,
    `${mark(true)} Every user's transaction is signed by its user and has the right id. Creations, transfers and registrations keep the rules.`,
    ...report.untrusted.map((blocks) => `${mark(false)} Anybody may have made ${untrustedText(blocks)}.`),
    report.genesisPinned
      ? "  It begins with the genesis that you named."
      : "  Compare its genesis hash with one that you know from elsewhere: only that shows that this is the chain you mean.",
  ].join("\n");
}

function hash(text: string): string {
  if (!/^[0-9a-f]{64}$/.test(text)) throw new InvalidArgumentError("expected 64 lower-case hex digits");
  return text;
}
