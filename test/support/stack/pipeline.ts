import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildWorkers, type Bundles } from "../../../cli/local/stack/build.ts";
import { startPinningService, type PinningService } from "../../../cli/local/pinning/server.ts";
import { startTimestampAuthority, type TimestampAuthority } from "../../../cli/local/tsa/authority.ts";
import { generateSecrets, type LocalSecrets } from "../../../cli/local/stack/secrets.ts";
import type { WorkerName } from "../../../shared/pipeline.ts";
import { policyOf, startWitnessOf } from "../../../cli/local/witness/beside-log.ts";
import type { WitnessService } from "../../../cli/local/witness/server.ts";
import { TestPlatform } from "./platform.ts";
import { tapped } from "./tapped.ts";

interface OperatorRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: BodyInit;
}

/** Every Worker, with its real configuration and the bundle that would be deployed, a pinning service and a time-stamp authority. */
export interface Pipeline {
  /** The gateway's address on this machine. */
  readonly url: string;
  readonly harness: TestPlatform;
  readonly pinning: PinningService;
  readonly timestamps: TimestampAuthority;
  /** A witness of both logs, which the Worker `checkpointer` asks. */
  readonly witness: WitnessService;
  readonly secrets: LocalSecrets;
  readonly kv: KVNamespace;
  readonly r2: R2Bucket;
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** Sends a request as an operator. */
  operate(path: string, init?: OperatorRequest): Promise<Response>;
  fireCron(worker: WorkerName, cron?: string): Promise<void>;
  close(): Promise<void>;
}

const QUICK = {
  RETRY_BASE_SECONDS: "1",
  STALL_AFTER_SECONDS: "2",
  WRITE_LANDS_WITHIN_SECONDS: "2",
  PIN_DEADLINE_SECONDS: "2",
  MINE_AFTER_SECONDS: "3600", // nothing is mined until a test asks for it
  MINE_AT_COUNT: "1000000",
  RATE_LIMITING: "off",
  ACCEPT_RECORDS_UNTIL: "9999-12-31T23:59:59Z",
  REGISTRATION: "open",
  LOG_ORIGIN: "vdc.test/vdc-main",
};

export interface PipelineOptions {
  /** Replaces variables of the wrangler.toml files, in every Worker that has them. */
  readonly vars?: Readonly<Record<string, string>>;
  /** Replaces secrets. An empty text removes a secret. */
  readonly secrets?: Partial<LocalSecrets>;
  /** Logs every message that a queue delivers: event `queue.message`. */
  readonly tap?: boolean;
  /** Replaces the bundles. */
  readonly wrap?: (bundles: Bundles, directory: string) => Bundles;
  /** Fills the pinning service's directory before it starts. */
  readonly pins?: (directory: string) => void;
}

export async function startPipeline(options: PipelineOptions = {}): Promise<Pipeline> {
  const directory = mkdtempSync(join(tmpdir(), "vdc-test-"));
  const secrets = { ...(await generateSecrets()), ...options.secrets };
  options.pins?.(directory);
  const pinning = await startPinningService({ dir: directory, jwt: secrets.PINATA_JWT });
  const timestamps = await startTimestampAuthority({ dir: join(directory, "tsa") });
  const { LOG_ORIGIN: origin } = { ...QUICK, ...options.vars };
  const witness = await startWitnessOf(
    { logKeyring: secrets.LOG_KEYRING, origin },
    { dir: join(directory, "witness"), name: "witness.test/one" },
  );
  const vars = {
    ...QUICK,
    PINATA_UPLOAD_URL: pinning.uploadUrl,
    PINATA_ENDPOINT_URL: pinning.endpointUrl,
    IPFS_GATEWAY_URL: pinning.gatewayUrl,
    TSA_URLS: timestamps.url,
    TSA_ISSUERS: timestamps.issuers,
    WITNESS_POLICY: policyOf(witness),
    ...options.vars,
  };
  const built = await buildWorkers();
  const untapped = options.wrap?.(built, directory) ?? built;
  const bundles = options.tap === true ? tapped(untapped, directory) : untapped;
  const harness = await TestPlatform.start({ bundles, secrets, vars, storage: join(directory, "platform") });
  const url = await harness.url();
  const fetch = (path: string, init?: RequestInit) => harness.fetch(path, init);
  return {
    url: url.origin,
    harness,
    pinning,
    timestamps,
    witness,
    secrets,
    ...harness.storage,
    fetch,
    operate: (path, init) =>
      fetch(path, { ...init, headers: { ...init?.headers, "x-admin-secret": secrets.ADMIN_SECRET } }),
    fireCron: (worker, cron) => harness.fireCron(worker, cron),
    async close() {
      await harness.close();
      await pinning.close();
      await timestamps.close();
      await witness.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Starts a pipeline with these settings, runs the work, and closes the pipeline. */
export async function withPipeline(
  options: PipelineOptions,
  work: (pipeline: Pipeline) => Promise<void>,
): Promise<void> {
  const pipeline = await startPipeline(options);
  try {
    await work(pipeline);
  } finally {
    await pipeline.close();
  }
}
