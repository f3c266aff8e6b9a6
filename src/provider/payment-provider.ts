/** A payment provider over HTTP that misbehaves by plan: `POST /charges {reference, amountCents}`. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { ChargeLedger } from './charge-ledger.js';
import type { FaultPlan, ProviderBehaviour } from './fault-plan.js';

/** A slow answer takes this long: noticeable, but within any sensible timeout. */
const SLOW_MS = 400;

/** Listens on a free port of the loopback interface; references end in `-<number>`. */
export class PaymentProvider {
  /** What was charged, whoever heard of it. */
  readonly ledger = new ChargeLedger();
  readonly #attempts = new Map<string, number>();
  readonly #server: Server;
  #plan: FaultPlan | undefined;

  constructor() {
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch(() => response.destroy());
    });
  }

  /** Where `PROVIDER_URL` points. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Starts to listen. */
  async start(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject).listen(0, '127.0.0.1', resolve);
    });
  }

  /** Misbehaves by `plan` from now on; `undefined` ends the misbehaviour. */
  follow(plan: FaultPlan | undefined): void {
    this.#plan = plan;
  }

  /** The number of attempts seen for a reference. */
  attempts(reference: string): number {
    return this.#attempts.get(reference) ?? 0;
  }

  /** Cuts the connections of callers that still wait for an answer that never comes. */
  releaseHung(): void {
    this.#server.closeAllConnections();
  }

  /** Stops listening and cuts every connection. */
  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== 'POST' || request.url !== '/charges')
      return answer(response, 404, { message: 'POST /charges only' });
    const body = (await json(request)) as { reference?: unknown; amountCents?: unknown };
    const { reference, amountCents } = body;
    if (typeof reference !== 'string' || typeof amountCents !== 'number')
      return answer(response, 400, { message: 'reference and amountCents are needed' });
    const key = request.headers['idempotency-key'];
    const charge = (): { chargeId: string } => ({
      chargeId: this.ledger.charge(reference, amountCents, single(key)).id,
    });
    switch (this.#next(reference)) {
      case 'serve':
        return answer(response, 201, charge());
      case 'refuse':
        return answer(response, 503, { message: 'busy' });
      case 'reset-before':
        return reset(request);
      case 'reset-after':
        charge();
        return reset(request);
      case 'hang':
        return;
      case 'slow': {
        const made = charge();
        await delay(SLOW_MS);
        return answer(response, 201, made);
      }
    }
  }

  #next(reference: string): ProviderBehaviour {
    const attempt = this.attempts(reference) + 1;
    this.#attempts.set(reference, attempt);
    const index = Number(/-(\d+)$/.exec(reference)?.[1] ?? Number.NaN);
    return this.#plan && Number.isInteger(index) ? this.#plan.behaviour(index, attempt) : 'serve';
  }
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

/** RST instead of FIN: the caller sees ECONNRESET, as when a machine dies. */
function reset(request: IncomingMessage): void {
  request.socket.resetAndDestroy();
}

function single(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}
