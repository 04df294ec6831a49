import type { Flow } from "../flow.ts";
import { ACCOUNTS_FLOWS } from "./accounts.ts";
import { CRON_FLOWS } from "./crons.ts";
import { DEAD_LETTER_FLOWS } from "./dead-letters.ts";
import { OPERATOR_FLOWS } from "./operators.ts";
import { PAYMENT_FLOWS } from "./payment.ts";

export const FLOWS: readonly Flow[] = [
  ...PAYMENT_FLOWS,
  ...CRON_FLOWS,
  ...DEAD_LETTER_FLOWS,
  ...ACCOUNTS_FLOWS,
  ...OPERATOR_FLOWS,
];

export function flowNamed(name: string): Flow {
  const flow = FLOWS.find((other) => other.name === name);
  if (flow === undefined) throw new Error(`there is no flow ${name}`);
  return flow;
}
