import { EXPOSITION_CONTENT_TYPE } from "../http/prometheus.ts";
import type { Plan } from "./plan.ts";

export const metrics = {
  does: "Everything that is counted, in the text format of Prometheus; what can't be read is left out and named",
  who: "operator",
  answers: { 200: { contentType: EXPOSITION_CONTENT_TYPE } },
} as const satisfies Plan;
