import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { Miniflare, type WorkerdStructuredLog } from "miniflare";
import type { WorkerName } from "../../../shared/pipeline.ts";
import { buildWorkers, type Bundles } from "./build.ts";
import { startCron } from "./cron.ts";
import { fireCron, requeuer, requeueStages, waitingPayments } from "./inside.ts";
import { lock } from "./lock.ts";
import { startPinningService, type PinningService } from "../pinning/server.ts";
import { policyOf, startWitnessOf, type WitnessedLogs } from "../witness/beside-log.ts";
import type { WitnessService } from "../witness/server.ts";
import { platformOptions } from "./platform.ts";
import { watchRuntimes } from "./runtimes.ts";
import { startTimestampAuthority, type TimestampAuthority } from "../tsa/authority.ts";
import { checkKeys, localSecrets, type LocalSecrets } from "./secrets.ts";

export interface StackOptions {
  readonly dataDirectory: string;
  /** 0: any free port. */
  readonly port: number;
  /** Port of the DevTools inspector; 0: any free port. */
  readonly inspectorPort?: number | undefined;
  /** Variables that replace those of the wrangler.toml files, by name. */
  readonly vars?: Readonly<Record<string, string>>;
  /** Fires the cron triggers, which local workerd does not do. */
  readonly cron?: boolean;
  readonly onLog?: (line: WorkerdStructuredLog) => void;
  readonly say?: (line: string) => void;
  /** Receives the process ids of the running workerd, whenever they change. */
  readonly onRuntimes?: (runtimes: readonly number[]) => void;
}

export interface Stack {
  readonly url: string;
  readonly secrets: LocalSecrets;
  readonly pinning: PinningService;
  readonly timestamps: TimestampAuthority;
  readonly witness: WitnessService;
  /** The running Workers' platform: bindings for tests and demo. */
  readonly miniflare: Miniflare;
  fireCron(worker: WorkerName): Promise<void>;
  stop(): Promise<void>;
}

/** Shorter timeouts for local development. */
export const LOCAL_VARS: Readonly<Record<string, string>> = {
  RETRY_BASE_SECONDS: "1",
  STALL_AFTER_SECONDS: "15",
  WRITE_LANDS_WITHIN_SECONDS: "5",
  MINE_AFTER_SECONDS: "60",
  PIN_DEADLINE_SECONDS: "10",
  RATE_LIMITING: "off", // every local client has the same address
  ACCEPT_RECORDS_UNTIL: "9999-12-31T23:59:59Z",
  LOG_ORIGIN: "vdc.local/vdc-main",
  REGISTRATION: "open", // `npm start` and `npm run demo` print a notice of it
};

/**
 * Runs all Workers in one workerd, with a local pinning service and a local time-stamp authority. The bundles and configurations are those of a
 * deployment.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { dataDirectory, say = () => {} } = options;
  mkdirSync(dataDirectory, { recursive: true });
  const held = await lock(dataDirectory);
  const opened: (() => unknown)[] = [() => held.release()];
  // Closes in the reverse order of opening. A part that fails to close does not keep the others open.
  const close = async () => {
    const failures: unknown[] = [];
    for (const closeOne of opened.splice(0).toReversed())
      try {
        await closeOne();
      } catch (error) {
        failures.push(error);
      }
    if (failures.length > 0) throw new AggregateError(failures, "the stack did not stop cleanly");
  };
  try {
    const secrets = await localSecrets(dataDirectory, process.env);
    await checkKeys(secrets); // refuses unusable keys here, not at the first block
    const bundles = await buildWorkers(say);
    const pinning = await startPinning(dataDirectory, secrets.PINATA_JWT);
    opened.push(() => pinning.close());
    const timestamps = await startTimestamps(dataDirectory);
    opened.push(() => timestamps.close());
    const { LOG_ORIGIN: origin = "" } = { ...LOCAL_VARS, ...process.env, ...options.vars };
    const witness = await startLocalWitness(dataDirectory, { logKeyring: secrets.LOG_KEYRING, origin });
    opened.push(() => witness.close());
    opened.push(
      watchRuntimes((runtimes) => {
        held.note(runtimes);
        options.onRuntimes?.(runtimes);
      }),
    );
    const miniflare = runWorkers(options, bundles, localValues({ pinning, timestamps, witness }), secrets);
    opened.push(() => miniflare.dispose());
    const url = (await miniflare.ready).origin;
    opened.push(() => untilWritten(miniflare, say));
    await requeueStages(miniflare);

    const fire = (worker: WorkerName, cron = "* * * * *") => fireCron(miniflare, worker, cron);
    if (options.cron) opened.push(await startCron(fire, say));
    return { url, secrets, pinning, timestamps, witness, miniflare, fireCron: fire, stop: close };
  } catch (error) {
    await close().catch(() => {}); // the reason of the failed start matters; a Miniflare that failed cannot close
    throw error;
  }
}

/** The queue delivers a payment after one second; on a slow machine the writes take much longer. */
const WRITTEN_WITHIN_MS = 60_000;

/**
 * Waits until every answered payment is written to R2, because local queues live in memory. Reports payments that are
 * not.
 */
async function untilWritten(miniflare: Miniflare, say: (line: string) => void): Promise<void> {
  let waiting: number | undefined;
  for (const deadline = Date.now() + WRITTEN_WITHIN_MS; Date.now() < deadline; await wait(50)) {
    // Without an answer, Ctrl-C has ended the runtime already: docs/contributing.md says what that loses.
    waiting = await waitingPayments(miniflare).catch(() => undefined);
    if (waiting === 0 || waiting === undefined) return;
  }
  say(
    `${waiting} payments were answered and are not written yet. The local queue loses them. Deliver their events again.`,
  );
}

function localValues({
  pinning,
  timestamps,
  witness,
}: Pick<Stack, "pinning" | "timestamps" | "witness">): Record<string, string> {
  return {
    ...LOCAL_VARS,
    PINATA_UPLOAD_URL: pinning.uploadUrl,
    PINATA_ENDPOINT_URL: pinning.endpointUrl,
    IPFS_GATEWAY_URL: pinning.gatewayUrl,
    TSA_URLS: timestamps.url,
    TSA_ISSUERS: timestamps.issuers,
    WITNESS_POLICY: policyOf(witness),
  };
}

/** Starts the Workers. Precedence of variables: a test's, the environment's, the local ones, the wrangler.toml's. */
function runWorkers(
  options: StackOptions,
  bundles: Bundles,
  values: Record<string, string>,
  secrets: LocalSecrets,
): Miniflare {
  return new Miniflare(
    platformOptions({
      bundles,
      secrets,
      vars: { ...values, ...process.env, ...options.vars },
      port: options.port,
      inspectorPort: options.inspectorPort,
      storage: join(options.dataDirectory, "platform"),
      onLog: options.onLog ?? (() => {}),
      others: ({ bindings }) => [requeuer(String(bindings?.CHAIN_ID))],
    }),
  );
}

/** Starts the pinning service, on its earlier port, because links in stored blocks name the local IPFS gateway. */
function startPinning(dataDirectory: string, jwt: string): Promise<PinningService> {
  const dir = join(dataDirectory, "ipfs");
  return onEarlierPort(join(dataDirectory, "ipfs-port"), (port) => startPinningService({ dir, jwt, port }));
}

/** Starts the time-stamp authority, on its earlier port, so that the local setting `TSA_URLS` stays what it was. */
function startTimestamps(dataDirectory: string): Promise<TimestampAuthority> {
  const dir = join(dataDirectory, "tsa");
  return onEarlierPort(join(dataDirectory, "tsa-port"), (port) => startTimestampAuthority({ dir, port }));
}

/** Starts the witness, on its earlier port, so that the local setting `WITNESS_POLICY` stays what it was. */
function startLocalWitness(dataDirectory: string, logs: WitnessedLogs): Promise<WitnessService> {
  const dir = join(dataDirectory, "witness");
  return onEarlierPort(join(dataDirectory, "witness-port"), (port) =>
    startWitnessOf(logs, { dir, name: "witness.local/one", port }),
  );
}

/** Starts a service on the port that the file names, or on another one if that is taken, and notes the port. */
async function onEarlierPort<Service extends { readonly url: string }>(
  portFile: string,
  start: (port: number) => Promise<Service>,
): Promise<Service> {
  const port = existsSync(portFile) ? Number(readFileSync(portFile, "utf8")) : 0;
  const service = await start(port).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EADDRINUSE") throw error;
    return start(0);
  });
  writeFileSync(portFile, new URL(service.url).port);
  return service;
}
