/** What the exit codes of `vdc` say; `vdc --help` and docs/command-line.md list them. Scripts branch on them, so they stay. */
export const EXIT = {
  ok: 0,
  failure: 1,
  usage: 2,
  notFound: 3,
  refused: 4,
  /** Bytes are not what they should be. */
  unverified: 6,
  /** Unreachable or unavailable: nothing is known, neither good nor bad. */
  unknown: 7,
  /** Bytes are what they should be, and signed by a key that was revoked before: anybody may have made them. */
  untrusted: 8,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** A command that could not do its work: the message says what happened and what to do. */
export class CommandFailure extends Error {
  override readonly name = "CommandFailure";
  readonly exitCode: ExitCode;

  constructor(message: string, exitCode: ExitCode = EXIT.failure) {
    super(message);
    this.exitCode = exitCode;
  }
}
