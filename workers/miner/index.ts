import { chainHead } from "../../shared/chain-head.ts";
import { consume } from "../../shared/consume.ts";
import { logger } from "../../shared/log.ts";
import { MineRequest } from "../../shared/messages.ts";
import { keyringOf, type Env } from "./env.ts";
import { mine } from "./mine.ts";
import { sweepPending } from "./sweep.ts";

/** Cron is a hint: it may come twice or not at all, and all that it starts may be repeated. */
export default {
  queue: consume("miner", MineRequest, mine),
  async scheduled(_, env) {
    const log = logger("miner", { requestId: crypto.randomUUID(), cause: "schedule" });
    await keyringOf(env); // a broken keyring shows at the next minute, not at the next payment
    await sweepPending(env, log);
    await chainHead(env).mineIfDue();
  },
} satisfies ExportedHandler<Env>;
