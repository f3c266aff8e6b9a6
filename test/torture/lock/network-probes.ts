/** Single faults of the network, each with a question that has an answer in milliseconds. */
import { setTimeout as delay } from 'node:timers/promises';
import type { FaultProxy } from 'nestjs-distributed/testing';
import { monotonicMs } from '../monotonic.js';
import type { Worker } from './arena.js';
import type { Held } from './worker-contract.js';

/** A process's two ways to Redis. */
export interface Network {
  readonly commands: FaultProxy;
  readonly messages: FaultProxy;
}

/** Milliseconds beyond the limit; not positive when in time, Infinity when never. */
export interface NetworkAnswers {
  /** A free key, the reply to its acquisition lost: 250 ms after the connection is back. */
  readonly replyLost: number;
  /** A key released while the waiter's messages are mute: one poll, 1.2 s. */
  readonly mute: number;
  /** A key whose acquisition was given up unanswered: chased at once when the network is back. */
  readonly orphan: number;
}

interface Probed {
  /** Behind `network`, without load. */
  readonly asked: Worker;
  readonly holder: Worker;
  readonly network: Network;
}

const REPLY_LOST_MS = 250;
const MUTE_MS = 1_200;
/** One command that is still waiting for its reply, one pause of the chase, one poll of the next. */
const ORPHAN_MS = 3_000;
/** Far longer than any limit: the lease must not be what helps. */
const LONG_LEASE_MS = 15_000;
const OPTIONS = { lease: LONG_LEASE_MS, wait: 3_500 };

/** Asks all three questions, with fresh keys. */
export async function askThroughFaults(round: number, probed: Probed): Promise<NetworkAnswers> {
  return {
    replyLost: await replyLost(`redis-reply-${round}`, probed),
    mute: await mute(`redis-mute-${round}`, probed),
    orphan: await orphan(`redis-orphan-${round}`, probed),
  };
}

async function replyLost(key: string, { asked, network }: Probed): Promise<number> {
  await free(asked, await asked.call('acquire', `${key}-warm`, OPTIONS));
  const { commands } = network;
  const { accepted } = commands;
  commands.dropNextReply({ to: 'evalsha' });
  const answer = asked.call('acquire', key, OPTIONS);
  while (commands.accepted === accepted) await delay(1);
  const reconnectedAt = monotonicMs();
  const lock = await answer;
  await free(asked, lock);
  return lateness(lock, reconnectedAt, REPLY_LOST_MS);
}

async function mute(key: string, { asked, holder, network }: Probed): Promise<number> {
  const held = await holder.call('acquire', key, OPTIONS);
  const answer = asked.call('acquire', key, OPTIONS);
  await delay(100);
  network.messages.blackhole('down');
  const releasedAt = monotonicMs();
  await free(holder, held);
  const lock = await answer;
  await network.messages.heal();
  await free(asked, lock);
  return lateness(lock, releasedAt, MUTE_MS);
}

async function orphan(key: string, { asked, holder, network }: Probed): Promise<number> {
  network.commands.blackhole('down');
  await asked.call('acquire', key, { lease: LONG_LEASE_MS, wait: 200 }).catch(() => {});
  const healedAt = monotonicMs();
  await network.commands.heal();
  const lock = await holder.call('acquire', key, OPTIONS);
  await free(holder, lock);
  return lateness(lock, healedAt, ORPHAN_MS);
}

async function free(worker: Worker, lock: Held | null): Promise<void> {
  if (lock) await worker.call('release', lock.handle);
}

function lateness(lock: Held | null, since: number, limitMs: number): number {
  return lock ? lock.grantedAt - since - limitMs - lock.lagMs : Infinity;
}
