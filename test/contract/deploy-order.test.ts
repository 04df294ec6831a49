import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ROOT, WORKER_NAMES } from "../../cli/local/stack/workers.ts";
import {
  DURABLE_OBJECTS,
  queueName,
  STAGES,
  WORKERS,
  type DurableObjectName,
  type WorkerName,
  type WorkerPlan,
} from "../../shared/pipeline.ts";

const PAGE = readFileSync(join(ROOT, "docs/deploy.md"), "utf8");

/** Returns the Workers in the order in which docs/deploy.md deploys them: its loop, then the gateway. */
function deployed(): string[] {
  const [, loop = ""] = /\bfor worker in ([a-z -]+); do$/m.exec(PAGE.replaceAll("\\\n", " ")) ?? [];
  return [...loop.split(/ +/), "gateway"];
}

/**
 * Returns the Workers that must be deployed before this one. The platform refuses a binding to a Worker that does not
 * exist.
 */
function needs(worker: WorkerName): WorkerName[] {
  const { calls = [], touches }: WorkerPlan = WORKERS[worker];
  const objects = touches.filter((name): name is DurableObjectName => name in DURABLE_OBJECTS);
  return [...calls, ...objects.map((name) => DURABLE_OBJECTS[name].worker)].filter(
    (other) => other !== worker,
  );
}

describe("the deployment of docs/deploy.md", () => {
  const order = deployed();

  it("deploys every Worker, once", () => {
    expect(order.toSorted()).toEqual(WORKER_NAMES.toSorted());
  });

  it.for(WORKER_NAMES)("has what %s is bound to there before it", (worker) => {
    const late = needs(worker).filter((other) => order.indexOf(other) > order.indexOf(worker));
    expect(late).toEqual([]);
  });

  it("creates the queue of every stage", () => {
    const [, loop = ""] = /^for stage in ([a-z -]+); do$/m.exec(PAGE) ?? [];
    expect(loop.split(" ").map((stage) => `vdc-${stage}`)).toEqual(STAGES.map(queueName));
  });
});
