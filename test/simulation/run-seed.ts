import type { LocalSecrets } from "../../cli/local/stack/secrets.ts";
import { arrange } from "./people/arrange.ts";
import { Errands } from "./people/errands.ts";
import { Operator } from "./people/operator.ts";
import { Stripe } from "./people/stripe.ts";
import type { People } from "./people/people.ts";
import { Stranger } from "./people/stranger.ts";
import { startBadDeployments } from "./platform/bad-deployments.ts";
import { beginIsolates } from "./platform/isolate.ts";
import { startCrons } from "./platform/crons.ts";
import { Stack, type Deployed } from "./platform/stack.ts";
import { faultRates, intentLifetime, profileOf } from "./profile.ts";
import { whatIsLeft } from "./promises/at-rest.ts";
import { checkDocuments } from "./promises/documents.ts";
import { checkErasedFromArchives } from "./promises/erased.ts";
import { checkNothingLost, checkSetAside, haltReason } from "./promises/kept.ts";
import { Onlooker } from "./promises/onlooker.ts";
import { checkPaid } from "./promises/paid.ts";
import { Promised } from "./promises/promised.ts";
import { checkWholeChain } from "./promises/whole-chain.ts";
import type { FaultKind } from "./world/faults.ts";
import { listenTo, surroundWith } from "./world/globals.ts";
import { Trace } from "./world/trace.ts";
import { BEGINNING, World, type Violation } from "./world/world.ts";

export interface SeedReport {
  readonly seed: number;
  readonly violations: readonly Violation[];
  readonly faults: readonly (readonly [FaultKind, number])[];
  /** Milliseconds of simulated time. */
  readonly simulated: number;
  readonly blocks: number;
  readonly transactions: number;
  readonly digest: string;
  readonly trace: readonly string[];
}

interface Deployment {
  readonly deployed: readonly Deployed[];
  readonly secrets: LocalSecrets;
}

const HOUR = 3_600_000;
const LOOK_EVERY = 600_000;
/** Milliseconds. If every check in this time finds unfinished work, the seed hangs. */
const HANGS_AFTER = 48 * HOUR;
/**
 * Milliseconds between two checks for rest. Messages, crons and people's requests come in between, and a moment of rest
 * comes well within the limit below.
 */
const LOOK_FOR_REST_EVERY = 7_000;
const REST_COMES_WITHIN = HOUR / 4;

interface SeedOptions {
  /** Whether the trace keeps a line for each event. */
  readonly trace: boolean;
  /** The promise at whose breach the seed ends. */
  readonly endAt?: string | undefined;
}

/** Runs one world, from its first purchase until everything is at rest. The seed decides all its events. */
export async function runSeed(
  seed: number,
  { deployed, secrets }: Deployment,
  { trace, endAt }: SeedOptions,
): Promise<SeedReport> {
  const world = new World(seed, faultRates, new Trace(trace));
  const isOver = () => world.violations.some(({ promise }) => promise === endAt);
  const profile = profileOf(world.random.of("profile"));
  world.say(`seed ${seed} ${JSON.stringify(profile)}`);
  const promised = new Promised();
  const onlooker = new Onlooker(world, promised);
  const stack = new Stack(world, { deployed, secrets, vars: profile.vars, observers: onlooker.observers });
  onlooker.watch(stack);
  beginIsolates(world);
  surroundWith({ world, fetch: (request) => stack.fetch(request) });
  const stopListening = listenTo(world);
  try {
    const people: People = {
      world,
      stack,
      profile,
      random: world.random.of("people"),
      promised,
      onlooker,
      errands: new Errands(world),
      stripe: new Stripe(stack, promised),
      operator: new Operator(stack),
    };
    world.clocks.start();
    startCrons(stack);
    startBadDeployments(stack);
    await arrange(people);

    const end = world.now + profile.busy;
    while (world.now < end && !isOver()) {
      await world.runUntil(Math.min(end, world.now + LOOK_EVERY), isOver);
      checkAnyTime(people);
    }
    if (!isOver()) await comeToRest(people);
  } finally {
    stopListening();
    stack.close();
  }
  return {
    seed,
    violations: world.violations,
    faults: [...world.faults],
    simulated: world.now - BEGINNING,
    blocks: onlooker.blocks,
    transactions: onlooker.transactions,
    digest: world.trace.digest(),
    trace: world.trace.lines,
  };
}

async function comeToRest(people: People): Promise<void> {
  const { world, stack, promised, onlooker } = people;
  world.say("from here on, nothing goes wrong any more");
  world.calm = true;
  const limit = world.now + HANGS_AFTER + intentLifetime(people.profile);
  const rests = await afterwards(people, limit);
  const mined = promised.transactions.filter((txId) => onlooker.blockOf(txId) !== undefined);
  await until(world, new Stranger(stack).looksUp(mined));
  if (rests) await restsAgain(people, limit);
  await checkWholeChain(stack, promised); // no time passes meanwhile
  checkAnyTime(people);
}

function checkAnyTime({ stack, promised, onlooker }: People): void {
  checkPaid(stack, promised);
  checkNothingLost(stack, promised, onlooker);
  checkSetAside(stack, promised);
  checkErasedFromArchives(stack, promised);
  checkDocuments(stack, promised);
}

/**
 * The operator mends the remaining failures, as the handbook says. Then everything must come to rest by itself.
 * @returns whether it does
 */
async function afterwards(people: People, limit: number): Promise<boolean> {
  const { stack, world, operator } = people;
  for (let rounds = 0; world.now < limit; rounds++) {
    const reason = world.faults.has("storage lost") ? undefined : haltReason(stack);
    if (reason !== undefined) {
      world.broken("3 one block per height", `the chain was halted: ${reason}`);
      return false;
    }
    await world.runUntil(world.now + HOUR);
    if (rounds >= 2 && (await isAtRest(people))) {
      await until(world, stack.worker("storage-verifier").scheduled()); // runs the nightly verification
      return true;
    }
    if (world.faults.has("storage lost")) await until(world, operator.restores());
    await until(world, operator.replaysDeadLetters());
    await until(world, operator.mines());
    await until(world, operator.verifiesEverything(true));
  }
  hangs(people);
  return false;
}

/** Waits for a moment of rest: no message, no due alarm, no running Worker, no open errand. */
async function isAtRest(people: People): Promise<boolean> {
  const { world } = people;
  for (const end = world.now + REST_COMES_WITHIN; world.now < end;) {
    if (whatIsLeft(people).length === 0) return true;
    await world.runUntil(world.now + LOOK_FOR_REST_EVERY);
  }
  return whatIsLeft(people).length === 0;
}

/**
 * Waits until later events, such as a late repeat from Stripe, have ended too. Only then can the promises be checked.
 */
async function restsAgain(people: People, limit: number): Promise<void> {
  while (!(await isAtRest(people))) if (people.world.now > limit) return hangs(people);
}

function hangs(people: People): void {
  const left = whatIsLeft(people).join(", ");
  people.world.broken(
    "everything comes to rest",
    `${HANGS_AFTER / HOUR} hours after the last fault there are ${left}`,
  );
}

/** Lets time pass until the work is done. */
async function until(world: World, work: Promise<void>): Promise<void> {
  let isDone = false;
  void work.finally(() => (isDone = true));
  await world.runUntil(world.now + HOUR, () => isDone);
  if (!isDone) world.broken("everything comes to rest", "a request of the operator is not answered");
}
