/** How long to wait before the store is asked again. */
import type { Random } from '../time/index.js';

/** A lost message costs at most this much; also the heartbeat of a waiter. */
const POLL_MS = 1_000;
/** How much of a pause is random, so that processes do not ask in step. */
const POLL_JITTER = 0.1;
/** A dead holder sends no message: ask when its lease must be over, spread by up to this. */
const EXPIRY_JITTER_MS = 20;
const SHORTEST_POLL_MS = 10;
const FIRST_RETRY_MS = 50;
const LONGEST_RETRY_MS = 250;
const FIRST_CAMPAIGN_PAUSE_MS = 100;
const LONGEST_CAMPAIGN_PAUSE_MS = 5_000;

/** @param retryMs see `AcquireReply` */
export function pollPause(retryMs: number, random: Random): number {
  const spread = random.next();
  const poll = POLL_MS * (1 + POLL_JITTER * spread);
  if (retryMs < 0) return poll;
  return Math.max(SHORTEST_POLL_MS, Math.min(poll, retryMs + 1 + EXPIRY_JITTER_MS * spread));
}

/** @param failures in a row, at least 1 */
export function retryPause(failures: number): number {
  return Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), LONGEST_RETRY_MS);
}

/** Before the next campaign. @param failures in a row; 0 after a term that lasted */
export function campaignPause(failures: number, random: Random): number {
  if (failures === 0) return 0;
  const longest = Math.min(
    FIRST_CAMPAIGN_PAUSE_MS * 2 ** (failures - 1),
    LONGEST_CAMPAIGN_PAUSE_MS,
  );
  // Half of it is random, so that applications which lost together do not come back together.
  return (longest / 2) * (1 + random.next());
}
