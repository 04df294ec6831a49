/**
 * The exit codes of `vdc`; `vdc --help` and docs/command-line.md list them. Scripts branch on them, so they never change.
 */
export const EXIT = {
  ok: 0,
  failure: 1,
  usage: 2,
  notFound: 3,
  refused: 4,
  /** Bytes do not verify. */
  unverified: 6,
  /** Unreachable or unavailable: the result is unknown. */
  unknown: 7,
  /** Bytes verify, but were signed by a key that was revoked before: an intruder may have made them. */
  untrusted: 8,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** A command that failed: the message says what happened and what to do. */
export class CommandFailure extends Error {
  override readonly name = "CommandFailure";
  readonly exitCode: ExitCode;

  constructor(message: string, exitCode: ExitCode = EXIT.failure) {
    super(message);
    this.exitCode = exitCode;
  }
}
