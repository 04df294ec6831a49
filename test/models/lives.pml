/*
 * Reserving, setting aside, staging and sealing, while the chain head loses its storage and is restored, and while miners
 * of an earlier life go on with what they hold.
 *
 * Follows: reserve (workers/chain-head/decisions/reserve.ts), seal (seal.ts), setAside (set-aside.ts), withdraw (withdraw.ts),
 * beginLife (life.ts), restoreErasures, restoreBlock and endRestore (restore.ts), buildAndSeal (workers/miner/
 * build-and-seal.ts), fromStaging and stagedAttempts (workers/storage-verifier/), recordWithdrawal (workers/accounts/
 * erase.ts).
 *
 * Promises: a transaction is mined once; a block holds what the chain head says that it holds; an archived block never
 * changes; a restore finds the block that was sealed; a transaction whose erasure was confirmed is in no later block.
 *
 * Left out: genesis (block 0 is there), tiers behind R2, limits of a block.
 */
#ifndef BLOCKS
#define BLOCKS 1
#endif
#ifndef LOSSES
#define LOSSES 2
#endif
#define TXS 2
#ifndef ATTEMPTS
#define ATTEMPTS 4
#endif

/* states of a transaction in the chain head */
#define UNKNOWN 0
#define PENDING 1
#define RESERVED 2
#define MINED 3
#define ASIDE 4
#define ERASED 5
/* states of a block in the chain head */
#define NONE 0
#define OPEN 1
#define SEALED 2

byte life = 1, revision = 0, losses = LOSSES;
bit closed = 0;                      /* the storage is lost, or being restored */
byte tx[TXS] = PENDING;
byte blockOf[TXS];
byte block[BLOCKS + 2];
byte revisionOf[BLOCKS + 2];
byte sealedAs[BLOCKS + 2];           /* the attempt that is the block; 0 for block 0 */

/* attempts: bytes that a miner built; staged ones are in R2 */
byte attempts = 0;
bit staged[ATTEMPTS + 1];
byte numberOf[ATTEMPTS + 1], lifeOf[ATTEMPTS + 1], revOf[ATTEMPTS + 1], holds[ATTEMPTS + 1], after[ATTEMPTS + 1];
byte archive[BLOCKS + 2];            /* R2 blocks/{n}.json */
byte onceSealed[BLOCKS + 2];         /* what any life sealed; for the promises only */

bit record[TXS];                     /* R2 erased/{txId}.json */
bit confirmed[TXS];                  /* the operator was told that no block takes it */
byte bad = 1;                        /* a miner finds so many transactions unfit */

inline markSealed(n, a) {
  for (k : 0 .. TXS - 1) {
    if
    :: (holds[a] >> k) & 1 -> assert(tx[k] != MINED); assert(!confirmed[k]); tx[k] = MINED; blockOf[k] = n
    :: else
    fi
  };
  block[n] = SEALED; sealedAs[n] = a
}

inline leaveBlock(n, t, state) {
  tx[t] = state; blockOf[t] = 0; revision++; revisionOf[n] = revision;
  if :: tx[0] != RESERVED && tx[1] != RESERVED -> block[n] = NONE :: else fi
}

proctype Miner() {
  byte n, l, r, mask, k, mine;
again:
  atomic { n = 0; l = 0; r = 0; mask = 0; k = 0; mine = 0 };
end:
  atomic {                                                            /* reserve */
    !closed && attempts < ATTEMPTS && block[BLOCKS] != SEALED;
    n = 1;
    do :: n <= BLOCKS && block[n] == SEALED -> n++ :: else -> break od;
    if
    :: block[n] == NONE ->
       if
       :: tx[0] == PENDING -> tx[0] = RESERVED; blockOf[0] = n; if :: tx[1] == PENDING -> tx[1] = RESERVED; blockOf[1] = n :: skip fi
       :: tx[1] == PENDING -> tx[1] = RESERVED; blockOf[1] = n
       :: else -> goto again
       fi;
       block[n] = OPEN; revision++; revisionOf[n] = revision
    :: else
    fi;
    l = life; r = revisionOf[n];
    for (k : 0 .. TXS - 1) { if :: tx[k] == RESERVED && blockOf[k] == n -> mask = mask | (1 << k) :: else fi };
    k = 0
  };
  if
  :: goto again                                                       /* it dies */
  :: atomic { bad > 0 && (mask & 1) -> bad--;                          /* setAside of transaction 0 */
       if
       :: closed || block[n] != OPEN -> goto again
#ifndef M_SET_ASIDE_WITHOUT_LIFE
       :: !closed && block[n] == OPEN && l != life -> goto again
#endif
       :: !closed && block[n] == OPEN && revisionOf[n] != r -> goto again
       :: else
       fi;
#ifdef M_SET_ASIDE_WITHOUT_LIFE
       assert(l == life);
#endif
       if :: tx[0] == RESERVED && blockOf[0] == n -> leaveBlock(n, 0, ASIDE) :: else fi;
       goto again }
  :: skip
  fi;
  atomic {                                                            /* R2 put sealed/{n}/{sha256}.json */
    if
    :: attempts < ATTEMPTS ->
       attempts++; mine = attempts; staged[mine] = 1; numberOf[mine] = n; lifeOf[mine] = l; revOf[mine] = r; holds[mine] = mask; after[mine] = sealedAs[n - 1]
    :: else -> goto done
    fi
  };
  if :: goto again :: skip fi;
  atomic {                                                            /* seal */
    if
    :: closed || block[n] != OPEN -> skip
#ifndef M_SEAL_WITHOUT_LIFE
    :: !closed && block[n] == OPEN && l != life -> skip
#endif
#ifndef M_SEAL_WITHOUT_REVISION
    :: !closed && block[n] == OPEN && revisionOf[n] != r -> skip
#endif
    :: else ->
       for (k : 0 .. TXS - 1) { assert(((mask >> k) & 1) == (tx[k] == RESERVED && blockOf[k] == n)) };
       markSealed(n, mine);
       assert(onceSealed[n] == 0 || archive[n] == 0 || archive[n] == mine);
       onceSealed[n] = mine
    fi;
    k = 0
  };
  goto again;
done:
  skip
}

/* the persister: create-only */
proctype Archiver() {
end:
  do
  :: atomic { !closed && block[1] == SEALED && archive[1] == 0 -> archive[1] = sealedAs[1] }
#if BLOCKS > 1
  :: atomic { !closed && block[2] == SEALED && archive[2] == 0 -> archive[2] = sealedAs[2] }
#endif
  od
}

/* pending objects that the chain head does not know are admitted again */
proctype Sweep() {
end:
  do
  :: atomic { !closed && tx[0] == UNKNOWN -> tx[0] = PENDING }
  :: atomic { !closed && tx[1] == UNKNOWN -> tx[1] = PENDING }
  od
}

/* the operator erases transaction 0 after it was set aside */
proctype Eraser() {
  byte n;
end:
  atomic { !closed && tx[0] == ASIDE -> tx[0] = ERASED };
#ifndef M_NO_RECORD
  record[0] = 1;
#endif
  atomic {                                                            /* withdraw */
    !closed;
    if
    :: tx[0] == MINED -> skip
    :: tx[0] == RESERVED -> n = blockOf[0]; leaveBlock(n, 0, ERASED); confirmed[0] = 1
    :: else -> tx[0] = ERASED; confirmed[0] = 1
    fi
  }
}

proctype Loss() {
  byte n, k, chosen, named;
end:
  do
  :: atomic { !closed && losses > 0 -> losses--; closed = 1; life++; revision = 0;
       for (k : 0 .. TXS - 1) { tx[k] = UNKNOWN; blockOf[k] = 0 };
       for (k : 1 .. BLOCKS) { block[k] = NONE; revisionOf[k] = 0; sealedAs[k] = 0 };
       k = 0 };
     atomic { if :: record[0] -> tx[0] = ERASED :: else fi };          /* restoreErasures */
     n = 1;
     do
     :: n <= BLOCKS ->
        atomic {                                                      /* soundCopy */
          chosen = 0;
          if
          :: archive[n] != 0 -> chosen = archive[n]
          :: else ->
             for (k : 1 .. ATTEMPTS) {
               if
               :: staged[k] && numberOf[k] == n && after[k] == sealedAs[n - 1] ->
#ifndef M_ATTEMPT_OF_ERASED
                  named = 0;
#if BLOCKS > 1
                  byte j;
                  for (j : 1 .. ATTEMPTS) { if :: staged[j] && numberOf[j] == n + 1 && after[j] == k -> named = 1 :: else fi };
                  j = 0;
#endif
                  if
                  :: (holds[k] & 1) && tx[0] == ERASED && !named -> staged[k] = 0     /* never sealed: deleted */
                  :: else ->
#endif
#ifdef M_OLDEST_ATTEMPT
                     if :: chosen == 0 -> chosen = k :: else fi
#else
                     if
                     :: chosen == 0 || named || lifeOf[k] > lifeOf[chosen] || (lifeOf[k] == lifeOf[chosen] && revOf[k] >= revOf[chosen]) -> chosen = k
                     :: else
                     fi
#endif
#ifndef M_ATTEMPT_OF_ERASED
                  fi
#endif
               :: else
               fi
             };
             k = 0; named = 0
          fi
        };
        if
        :: chosen == 0 -> break
        :: else ->
           atomic {                                                   /* archiveInstead, then restoreBlock */
             if :: archive[n] == 0 -> archive[n] = chosen :: else -> chosen = archive[n] fi;
             assert(onceSealed[n] == 0 || holds[onceSealed[n]] == holds[chosen] || (record[0] && (holds[onceSealed[n]] & 1)));
             markSealed(n, chosen); onceSealed[n] = chosen; revision++; revisionOf[n] = revision;
             k = 0; n++ }
        fi
     :: else -> break
     od;
     atomic { closed = 0; n = 0; chosen = 0 }                          /* endRestore */
  od
}

/* when nothing moves any more */
proctype AtRest() {
  byte k;
end:
  atomic {
    timeout ->
    for (k : 0 .. TXS - 1) { assert(tx[k] == MINED || tx[k] == ASIDE || tx[k] == ERASED || attempts == ATTEMPTS || block[BLOCKS] == SEALED) }
  }
}

init { atomic { run Miner(); run Miner(); run Archiver(); run Sweep(); run Eraser(); run Loss(); run AtRest() } }
