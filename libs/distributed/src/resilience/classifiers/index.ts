/** The built-in classifiers, in the order they are asked. */
import type { ErrorClassifier } from '../failure.js';
import { cancellations } from './cancellation.js';
import { httpStatuses } from './http-status.js';
import { ioredisErrors, redisReplies } from './redis.js';
import { nestRemoteErrors } from './nest-remote.js';
import { nodeNetworkErrors } from './node-network.js';
import { ownErrors } from './own-errors.js';
import { postgresErrors } from './postgres.js';

/** Our own errors first: they know best. */
export const BUILT_IN_CLASSIFIERS: readonly ErrorClassifier[] = [
  ownErrors,
  cancellations,
  nodeNetworkErrors,
  redisReplies,
  ioredisErrors,
  postgresErrors,
  httpStatuses,
  nestRemoteErrors,
];
