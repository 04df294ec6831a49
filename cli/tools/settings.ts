/** Explains a variable of `[vars]`. Its default and its Workers stand in the `wrangler.toml` files. */
export interface Setting {
  readonly name: string;
  readonly meaning: string;
  /** Instead of an empty default. */
  readonly empty?: string;
}

export interface SettingGroup {
  readonly title: string;
  readonly settings: readonly Setting[];
}

/** Every variable that a Worker reads, in the order of docs/configuration.md. */
export const SETTING_GROUPS: readonly SettingGroup[] = [
  {
    title: "The chain",
    settings: [
      { name: "CHAIN_ID", meaning: "Name of the chain. Every block and every signature contains it." },
      {
        name: "MINING_MODE",
        meaning:
          "`auto`: the chain head has a block mined when enough transactions are pending, or one has been pending for long enough. " +
          "`approval`: only when an operator asks.",
      },
      { name: "MINE_AT_COUNT", meaning: "Number of pending transactions that starts a block." },
      {
        name: "MINE_AFTER_SECONDS",
        meaning: "Seconds after which a pending transaction is mined, even alone.",
      },
      { name: "BLOCK_MAX_TRANSACTIONS", meaning: "Transactions in a block, at most." },
      {
        name: "BLOCK_MAX_BYTES",
        meaning:
          "Bytes of a block, at most: 140,000 to 1,000,000. Payments have first claim to half of a block; otherwise the order of admission " +
          "decides. The private parts of a block take 32 MB at most.",
      },
      { name: "MAX_BLOCKS_IN_FLIGHT", meaning: "Blocks that are being stored at one time." },
      {
        name: "STALL_AFTER_SECONDS",
        meaning: "A stage, or a storage run, that has reported nothing for so long gets its message again.",
      },
      {
        name: "WRITE_LANDS_WITHIN_SECONDS",
        meaning:
          "A write to KV that was not answered has landed after so long, or never will; one that was answered is seen by every reader. At least 60 in production.",
      },
      {
        name: "LOG_ORIGIN",
        meaning:
          "Name of the chain's transparency log, without a scheme: `vdc.example.com/vdc-main`. It is fixed with the first checkpoint, for ever. " +
          "The log of transactions has `/tx` after it.",
      },
      {
        name: "WITNESS_POLICY",
        meaning:
          "C2SP tlog-policy with the witnesses that are asked to cosign each checkpoint, and their quorum: [witness.md](witness.md).",
        empty: "no witness",
      },
      {
        name: "WITNESS_EVERY_SECONDS",
        meaning:
          "Seconds between two requests to a witness, at least. The cron comes once a minute. A witness of a log that does not grow is asked once an hour.",
      },
      {
        name: "TSA_URLS",
        meaning: "Addresses of RFC 3161 authorities, with commas between. Each stamps the newest checkpoint.",
        empty: "no time stamps",
      },
      {
        name: "TSA_ISSUERS",
        meaning: "The authorities' certificates as PEM. A stamp counts only if it leads to one of them.",
        empty: "no time stamps",
      },
      {
        name: "TIMESTAMP_EVERY_SECONDS",
        meaning:
          "Seconds between two time stamps of one authority, at least. A log that has not grown gets none.",
      },
      {
        name: "REQUIRE_USER_SIGNATURE",
        meaning: "`true`: the miner sets transactions without a user's signature aside.",
      },
    ],
  },
  {
    title: "Stripe",
    settings: [
      {
        name: "STRIPE_EVENT_FAMILY",
        meaning:
          "`checkout`, `payment_intent` or `invoice`: the one family of events whose payments are taken, so that one purchase is one transaction.",
      },
      {
        name: "STRIPE_REFUND_FAMILY",
        meaning:
          "`charge`: refunds come from `charge.refunded`. `refund`: from `refund.created`, which names the refund. See [stripe.md](stripe.md).",
      },
      {
        name: "STRIPE_LIVEMODE",
        meaning: "`true` takes live events only, `false` test events only.",
        empty: "both",
      },
      {
        name: "STRIPE_API_URL",
        meaning: "Base URL of Stripe's API, for thin events.",
        empty: "Stripe's own",
      },
    ],
  },
  {
    title: "Users",
    settings: [
      {
        name: "REGISTRATION",
        meaning:
          "`token`: a user registers with an activation token. `paid`: also with a payment that names the registration. `open`: anybody " +
          "registers, which suits a demonstration.",
      },
      {
        name: "PAID_TYPES",
        meaning:
          "Types of submissions that wait for a payment: `asset_creation`, `asset_transfer`, or both with a comma.",
        empty: "none",
      },
      { name: "INTENT_TTL_DAYS", meaning: "A submission that is not paid after so long expires." },
      {
        name: "SUBMISSION_WINDOW_SECONDS",
        meaning: "The timestamp of a submission may differ by so much from our clock; at most a day.",
      },
      {
        name: "RATE_LIMITING",
        meaning:
          "`on`: the limits of `[[ratelimits]]` count public writes, uploads and reads beyond KV by address, and writes and uploads by signing key.",
      },
      {
        name: "DOCUMENT_BYTES_PER_DAY",
        meaning: "Bytes of documents that one user may store in a day (UTC).",
      },
    ],
  },
  {
    title: "Storage",
    settings: [
      {
        name: "IPFS_GATEWAY_URL",
        meaning:
          "Dedicated gateway through which pinned bytes are read back. Public gateways limit how often one CID may be read, so that a " +
          "deployment must set its own.",
        empty: "none: it must be set",
      },
      { name: "PINATA_UPLOAD_URL", meaning: "Base URL of Pinata's upload API.", empty: "Pinata's own" },
      { name: "PINATA_ENDPOINT_URL", meaning: "Base URL of Pinata's other calls.", empty: "Pinata's own" },
      {
        name: "PIN_DEADLINE_SECONDS",
        meaning: "One upload to the pinning service, or one read, may take so long.",
      },
      {
        name: "RETRY_BASE_SECONDS",
        meaning: "Wait before the first retry. It doubles up to five minutes, then grows to 100 minutes.",
      },
      {
        name: "VERIFY_BLOCKS_A_DAY",
        meaning: "Blocks that are verified each day. The block that was verified longest ago comes first.",
      },
      { name: "VERIFY_DOCUMENTS_A_DAY", meaning: "Documents that are verified each day, likewise." },
      {
        name: "AUTO_REHYDRATE",
        meaning:
          "`true`: the daily verification restores missing and corrupt copies. Otherwise it only reports them.",
      },
      {
        name: "ACCEPT_RECORDS_UNTIL",
        meaning:
          "`vdc storage bring-records` and `vdc restore --records` work until this time, `2026-12-01T12:00:00Z` say. A record does not prove who made it.",
        empty: "never",
      },
    ],
  },
  {
    title: "Operation",
    settings: [
      {
        name: "READY_MAX_AGE_SECONDS",
        meaning: "`/api/ready` answers 503 when a block has been unfinished for longer.",
      },
      {
        name: "PENDING_ALERT_SECONDS",
        meaning: "A payment that is pending for longer raises an alert. Keep it above `MINE_AFTER_SECONDS`.",
      },
      { name: "STALLED_ALERT_SECONDS", meaning: "A block that has not moved for so long raises an alert." },
      { name: "ALERT_REPEAT_SECONDS", meaning: "An alert that goes on is posted again after so long." },
      {
        name: "ACCESS_AUD",
        meaning: "Audience tag of the Cloudflare Access application that operators sign in with.",
        empty: "no Access",
      },
    ],
  },
];

/** Every secret, and what it holds. The Workers that require one name it in `wrangler.toml`. */
export const SECRETS: readonly { name: string; optionalIn?: string; meaning: string }[] = [
  {
    name: "ADMIN_SECRET",
    meaning:
      "16 random characters or more. Without it, and without `ACCESS_AUD`, every operator call answers 503.",
  },
  {
    name: "STRIPE_WEBHOOK_SECRET",
    meaning: "The endpoint's `whsec_…`. While you rotate it: both, separated by a comma.",
  },
  {
    name: "STRIPE_API_KEY",
    optionalIn: "ingest-webhook",
    meaning:
      "A restricted key (`rk_…`) that may read events and nothing else. With it, thin events are fetched from Stripe.",
  },
  {
    name: "SYSTEM_KEYRING",
    meaning: "First of the three values that `vdc keys generate` prints. Keep a backup.",
  },
  { name: "SYSTEM_ENCRYPTION_PUBLIC_KEY", meaning: "Second of these values." },
  {
    name: "LOG_KEYRING",
    meaning: "Third of these values: the keys that sign the log's checkpoints. Keep a backup.",
  },
  { name: "PINATA_JWT", meaning: "Pinata API token that may upload and list." },
  {
    name: "ALERT_WEBHOOK_URL",
    optionalIn: "alerts",
    meaning:
      "Address that gets each alert as JSON: `{ alert, state, summary, since, at, chainId, details, text }`, as Slack and Mattermost read it.",
  },
];
