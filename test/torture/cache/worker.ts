/** One process under torture: an application with a cache, driven by its parent. */
import 'reflect-metadata';
import { setTimeout as delay } from 'node:timers/promises';
import { serveParent } from '../child-server.js';
import { SeededRandom } from '../seeded-random.js';
import { openBento } from './bento-subject.js';
import { Database } from './database.js';
import { openOurs } from './our-subject.js';
import type { Subject } from './subject.js';
import { TAGS } from './terrain.js';
import { VersionLoad } from './version-load.js';
import type { CacheWorker, WorkerSettings } from './worker-contract.js';

/** What `boot` makes. */
interface Running {
  readonly subject: Subject;
  readonly database: Database;
  readonly random: SeededRandom;
}

/** For a read when all is quiet. */
const READ_LIMIT_MS = 8_000;

let running: Running | undefined;
let load: VersionLoad | undefined;

const worker: CacheWorker = {
  async boot(settings: WorkerSettings) {
    const random = new SeededRandom(`${settings.seed} ${settings.name}`);
    const database = new Database(settings.databaseUrl, random);
    const open = settings.subject === 'ours' ? openOurs : openBento;
    const subject = await open({
      ...settings,
      tagOf: (key) => key % TAGS,
      load: (key) => database.load(key),
    });
    running = { subject, database, random };
  },

  startLoad(options) {
    const { subject, database, random } = here();
    load = new VersionLoad(subject, database, random, options);
  },

  drain: () => theLoad().drain(),

  stopLoad: () => theLoad().stop(),

  async settle(withinMs) {
    const { subject } = here();
    const until = performance.now() + withinMs;
    while (!subject.settled() && performance.now() < until) await delay(20);
    return subject.settled();
  },

  async readAll(keys) {
    const { subject } = here();
    const late = delay(READ_LIMIT_MS, null, { ref: false });
    return Promise.all(
      Array.from({ length: keys }, (_, key) => Promise.race([subject.read(key), late])),
    );
  },
};

serveParent({ ...worker });

function here(): Running {
  if (!running) throw new Error('boot first');
  return running;
}

function theLoad(): VersionLoad {
  if (!load) throw new Error('no load was started');
  return load;
}
