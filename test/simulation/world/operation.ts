import { asPlatform, never, running, type Invocation } from "./invocation.ts";
import type { World } from "./world.ts";

/** Milliseconds. An unanswered call takes effect within this time, or never. A write of KV has its own limit. */
const LATE = 45_000;

/**
 * Returns when an unanswered write takes effect. A caller measures its wait by its own clock, so the write takes effect
 * before any clock jumps.
 * @param within milliseconds. @returns milliseconds since the epoch; a time in the past means now
 */
export function landsAt({ now, random, clocks }: World, begunAt: number, within = LATE): number {
  const latest = Math.min(begunAt + within, clocks.nextJump(begunAt) - 1);
  return random.between(Math.min(now + 1_000, latest), latest);
}

export interface Operation<T> {
  /** The name in the trace: `R2 put blocks/3.json`. */
  readonly label: string;
  /** Does the work, at one moment. */
  readonly effect: () => T | Promise<T>;
  /** Whether it changes anything. Only then can it be done and report failure, or be done twice or late. */
  readonly writes: boolean;
  /** Milliseconds that it takes, on average. */
  readonly takes?: number;
  /** The error that a caller sees when it fails. */
  readonly failure?: string;
  /** Milliseconds within which an unanswered write takes effect, or never. */
  readonly landsWithin?: number;
}

/**
 * Runs a call that leaves the running Worker. It takes time, waits for the output gate of a Durable Object, and may
 * fail in each way of the fault matrix.
 */
export async function operation<T>(world: World, what: Operation<T>): Promise<T> {
  const caller = running();
  const { label, effect, writes, takes = 30, failure = "Network connection lost.", landsWithin } = what;
  const where = `${caller?.worker ?? "people"}: ${label}`;
  if (caller?.isDead) return never();
  await caller?.gate();
  world.operationBegins();
  const begunAt = world.now;
  const dies = caller !== undefined && world.strikes("worker dies", where);
  const afterwards = dies && world.random.chance(0.6);
  const perform = () => asPlatform(effect);
  const performLate = () =>
    world.at(landsAt(world, begunAt, landsWithin), () => {
      world.say(`late: ${where}`);
      return Promise.try(perform).catch(() => {}); // the caller is no longer there
    });
  await world.sleep(world.random.duration(takes));
  if (caller?.isDead) {
    if (writes && world.strikes("call outlives its caller", where)) performLate();
    return never();
  }
  if (dies && !afterwards) {
    caller.kill(`died before ${label}`);
    return never();
  }

  if (!dies && caller !== undefined) {
    if (world.strikes("call fails, not done", where)) throw new Error(failure);
    if (world.strikes("call hangs", where)) {
      if (writes && world.random.chance(0.5)) performLate();
      return never();
    }
  }
  world.say(where);
  const answer = await perform();
  world.operationIsDone(label);
  if (caller?.isDead) return never();
  if (dies) {
    caller.kill(`died after ${label}`);
    return never();
  }
  if (writes && caller !== undefined) {
    if (world.strikes("call done, reports failure", where)) throw new Error(failure);
    if (world.strikes("call done twice", where)) {
      await world.sleep(world.random.duration(takes));
      world.say(`again: ${where}`);
      return settleAgain(perform, answer);
    }
  }
  await world.sleep(world.random.duration(takes / 3));
  if (caller !== undefined) await held(world, caller, where);
  return caller?.isDead ? never() : answer;
}

/** Milliseconds. Longer than a restore takes, and shorter than an invocation may run. */
const LATEST_ANSWER = 600_000;

async function held(world: World, caller: Invocation, where: string): Promise<void> {
  if (world.strikes("answer late", where))
    caller.heldUntil = Math.max(caller.heldUntil, world.now + world.random.between(1_000, LATEST_ANSWER));
  if (caller.heldUntil > world.now && !world.calm) await world.sleep(caller.heldUntil - world.now);
}

/** Thrown by a write that reports failure and takes effect later. The caller must see the failure. */
export class DoneLater extends Error {}

/** Does the call again. The caller gets the second result, or the first if the second was refused. */
async function settleAgain<T>(perform: () => T | Promise<T>, first: T): Promise<T> {
  try {
    return await perform();
  } catch (error) {
    if (error instanceof DoneLater) throw error;
    return first;
  }
}
