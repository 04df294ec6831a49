/*
 * Which bytes are block 1 after the chain head lost its storage, while persisters of the life before go on. Two miners
 * staged two attempts (1 and 2) of the same reservation: one hash, two SHA-256, because the signature is hedged.
 *
 * Follows: persist and storeOrHalt (workers/tier-persister/persist.ts), store (shared/storage/r2-tier.ts), persisted
 * (workers/chain-head/decisions/progress.ts), haltBy (halt.ts), foundNow and archiveInstead (workers/storage-verifier/
 * sound-copy.ts, shared/storage/r2-tier.ts), endRestore (workers/chain-head/decisions/restore.ts).
 *
 * Promises: what vdc:latest named is in R2, IPFS and KV with the chain head's bytes, and stays so; nothing halts the chain.
 */
#define NONE 0
#define SEALED 2
#define PERSISTED 3

byte life = 1, losses = 1;
bit closed;
byte block, sealedAs, cid;           /* the chain head's block 1 */
bit staged[3];
byte r2, kv, named;                  /* which bytes */
bit pinned[3];
bit late[3];                         /* an unanswered KV put of these bytes may land */

inline checkNamed() {
  if :: named != 0 -> assert(r2 == named && pinned[named] && kv == named) :: else fi
}

proctype Miner(byte a) {
end:
  atomic { life == 1 && !closed && block == NONE -> staged[a] = 1 };
  atomic { if :: life == 1 && !closed && block == NONE -> block = SEALED; sealedAs = a :: else fi }
}

proctype Persister() {
  byte s, l;
again:
  atomic { s = 0; l = 0 };
end:
  atomic { !closed && block == SEALED -> s = sealedAs; l = life };
  if
  :: atomic { r2 == 0 || r2 == s -> r2 = s }
  :: atomic { r2 != 0 && r2 != s ->                                    /* forked */
#ifdef M_HALT_BY_EARLIER_LIFE
       assert(closed);
#else
       assert(closed || l != life);
#endif
       goto again }
  fi;
  if :: goto again :: pinned[s] = 1 fi;
  if :: goto again :: atomic { kv = s; checkNamed() } :: atomic { late[s] = 1; goto again } fi;
  atomic {                                                            /* persisted */
    if
    :: closed || block != SEALED -> skip
    :: !closed && block == SEALED && (l != life || s != sealedAs) -> skip
    :: else -> block = PERSISTED; cid = s
    fi
  };
  goto again
}

proctype Late() {
end:
  do
  :: atomic { late[1] -> late[1] = 0; kv = 1; checkNamed() }
  :: atomic { late[2] -> late[2] = 0; kv = 2; checkNamed() }
  :: atomic { late[1] -> late[1] = 0 }
  :: atomic { late[2] -> late[2] = 0 }
  od
}

proctype Publisher() {
end:
  do
  :: atomic { !closed && block == PERSISTED && named != sealedAs ->
       assert(cid == sealedAs && named == 0); named = sealedAs; checkNamed() }
  od
}

proctype Loss() {
  byte chosen, seen;
end:
  atomic { !closed && losses > 0 -> losses--; closed = 1; life++; block = NONE; sealedAs = 0; cid = 0 };
again:
  seen = r2;                                                          /* R2, then KV, then staging */
  if
  :: seen != 0 -> chosen = seen
  :: else ->
     chosen = kv;
     if
     :: chosen != 0 -> skip
     :: else -> atomic { if :: staged[1] -> chosen = 1 :: staged[2] -> chosen = 2 :: !staged[1] && !staged[2] -> chosen = 0 fi }
     fi;
     if
     :: chosen != 0 ->
        atomic {
#ifdef M_OVERWRITE
          r2 = chosen; checkNamed()
#else
          if :: r2 == 0 -> r2 = chosen :: else -> goto again fi
#endif
        }
     :: else
     fi
  fi;
  atomic { if :: chosen != 0 -> block = SEALED; sealedAs = chosen :: else fi; closed = 0 }
}

proctype AtRest() {
end:
  atomic { timeout -> assert(block == NONE || (block == PERSISTED && r2 == sealedAs && kv == sealedAs && named == sealedAs)) }
}

init { atomic { run Miner(1); run Miner(2); run Persister(); run Persister(); run Late(); run Publisher(); run Loss(); run AtRest() } }
