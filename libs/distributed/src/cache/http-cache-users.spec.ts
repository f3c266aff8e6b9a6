/** Case 19: no response of one user for another, whatever says who they are. */
import 'reflect-metadata';
import type { Server } from 'node:http';
import {
  type CallHandler,
  type CanActivate,
  Controller,
  type ExecutionContext,
  Get,
  Injectable,
  type INestApplication,
  type NestInterceptor,
  Req,
  type Type,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Request } from 'express';
import { type Observable, of, tap } from 'rxjs';
import request, { type Test } from 'supertest';
import { CacheApplications } from '../../../../test/support/cache-application.fixture.js';
import { HttpCache, HttpCacheInterceptor } from './index.js';

/** What `@nestjs/cache-manager` does: the address is the key. The leak these tests must catch. */
@Injectable()
class UrlCacheInterceptor implements NestInterceptor {
  readonly #responses = new Map<string, unknown>();

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const { url } = context.switchToHttp().getRequest<Request>();
    if (this.#responses.has(url)) return of(this.#responses.get(url));
    return next.handle().pipe(tap((body) => this.#responses.set(url, body)));
  }
}

/** Authenticates by a header that no list of credentials knows. */
class CertificateGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const incoming = context.switchToHttp().getRequest<Request & { user?: unknown }>();
    const subject = incoming.headers['x-certificate'];
    if (subject) incoming.user = { id: subject };
    return true;
  }
}

const whoIs = ({ headers }: Request): string =>
  [headers.authorization, headers.cookie, headers['x-api-key'], headers['x-certificate']].join('|');

/** Two users who differ in one kind of credentials; true if the second sees what is the first's. */
async function leaks(server: Server, path: string, header: string): Promise<boolean> {
  const first = await request(server).get(path).set(header, 'alice');
  const second = await request(server).get(path).set(header, 'bob');
  const nobody = await request(server).get(path);
  expect(first.text).toContain('alice');
  return second.text.includes('alice') || nobody.text.includes('alice');
}

const CREDENTIALS = ['Authorization', 'Cookie', 'X-Api-Key', 'X-Certificate'];

function profileController(interceptor: Type<NestInterceptor>): Type {
  @UseGuards(CertificateGuard)
  @UseInterceptors(interceptor)
  @Controller()
  class ProfileController {
    @Get('profile')
    async profile(@Req() incoming: Request): Promise<unknown> {
      return { of: whoIs(incoming) };
    }

    @Get('mine')
    @HttpCache({
      principal: (incoming: Request & { user?: { id: string } }) =>
        incoming.user?.id ?? incoming.headers.authorization,
    })
    async mine(@Req() incoming: Request): Promise<unknown> {
      return { of: whoIs(incoming) };
    }
  }
  return ProfileController;
}

describe('case 19: responses of one user for another', () => {
  let applications: CacheApplications;

  beforeAll(async () => {
    applications = await CacheApplications.start();
  });
  afterAll(() => applications.stop());
  afterEach(() => applications.reset());

  const serverOf = (app: INestApplication): Server => app.getHttpServer() as Server;

  it.each(CREDENTIALS)('%s: not cached without a principal', async (header) => {
    const app = await applications.listen(profileController(HttpCacheInterceptor));
    expect(await leaks(serverOf(app), '/profile', header)).toBe(false);
  });

  it.each(CREDENTIALS)('%s: cached per principal, or not at all', async (header) => {
    const app = await applications.listen(profileController(HttpCacheInterceptor));
    expect(await leaks(serverOf(app), '/mine', header)).toBe(false);
  });

  it.each(CREDENTIALS)('%s: mutation: a cache by address leaks', async (header) => {
    const app = await applications.listen(profileController(UrlCacheInterceptor));
    expect(await leaks(serverOf(app), '/profile', header)).toBe(true);
  });

  it('a principal gets the own response from the cache', async () => {
    const app = await applications.listen(profileController(HttpCacheInterceptor));
    const mine = (): Test => request(serverOf(app)).get('/mine').set('Authorization', 'alice');
    expect((await mine()).headers['age']).toBeUndefined();
    expect((await mine()).headers['age']).toBe('0');
  });
});
