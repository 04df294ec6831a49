import type { Flow } from "../flow.ts";
import { PAYMENT_FLOWS } from "./payment.ts";

export const FLOWS: readonly Flow[] = [...PAYMENT_FLOWS];

export function flowNamed(name: string): Flow {
  const flow = FLOWS.find((other) => other.name === name);
  if (flow === undefined) throw new Error(`there is no flow ${name}`);
  return flow;
}
