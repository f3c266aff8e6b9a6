export { Agenda, type AgendaOptions } from './agenda.js';
export { Clock, Random, SystemClock, SystemRandom, type Timer } from './clock.js';
export { type Duration, parseDuration, toMs } from './duration.js';
