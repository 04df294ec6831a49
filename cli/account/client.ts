import { InvalidDocument } from "../../shared/chain/document.ts";
import { VdcProblem, VdcUnreachable } from "../../shared/client/problem.ts";
import { VdcClient } from "../../shared/client/vdc-client.ts";
import { Unverified } from "../../shared/client/verify-mined.ts";
import { StillWaiting } from "../../shared/client/wait-until.ts";
import { Permanent } from "../../shared/runtime/errors.ts";
import { AnswerFailure } from "../http/answer-failure.ts";
import { CommandFailure, EXIT } from "../output/failure.ts";
import { proxyAdvice } from "../http/proxy.ts";
import { targetOf } from "../http/target.ts";

/** The client that apps use: a user's commands do exactly what an app can do. */
export function vdcClient(options: { readonly url?: string }): VdcClient {
  return new VdcClient(targetOf(options.url).url);
}

/** Wraps a command's action, so that its failures have the same messages and exit codes as those of all commands. */
export function withCommandFailures<Arguments extends unknown[]>(
  action: (...given: Arguments) => Promise<void>,
): (...given: Arguments) => Promise<void> {
  return (...given) =>
    action(...given).catch((error: unknown) => {
      throw asCommandFailure(error);
    });
}

function asCommandFailure(error: unknown): unknown {
  if (error instanceof VdcProblem) return new AnswerFailure({ ...error.answer, location: null });
  if (error instanceof VdcUnreachable)
    return error.answer === undefined
      ? new CommandFailure(
          `${error.message}: start the stack with \`npm start\`, or give its --url${proxyAdvice()}`,
          EXIT.unknown,
        )
      : new AnswerFailure({ ...error.answer, location: null });
  if (error instanceof Unverified)
    return new CommandFailure(`it does not verify (${error.fault}): ${error.message}`, EXIT.unverified);
  if (error instanceof InvalidDocument)
    return new CommandFailure(`it is no sound document: ${error.message}`, EXIT.unverified);
  if (error instanceof Permanent)
    return new CommandFailure(
      error.message,
      error.reason === "invalid_signature" ? EXIT.unverified : EXIT.refused,
    );
  if (error instanceof StillWaiting)
    return new CommandFailure(`${error.message}. It goes on; \`vdc tx <id>\` shows where a transaction is`);
  return error;
}
