/** Cached responses over HTTP: what is shared, with whom, and what never is. */
import 'reflect-metadata';
import type { Server } from 'node:http';
import {
  Controller,
  Get,
  Header,
  Headers,
  HttpCode,
  type INestApplication,
  NotFoundException,
  Param,
  ParseIntPipe,
  Query,
  Redirect,
  Res,
  Sse,
  StreamableFile,
  UseInterceptors,
} from '@nestjs/common';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Response } from 'express';
import { from, type Observable } from 'rxjs';
import request, { type Test } from 'supertest';
import { CacheApplications } from '../../../../test/support/cache-application.fixture.js';
import { CacheService, HttpCache, HttpCacheInterceptor } from './index.js';

@UseInterceptors(HttpCacheInterceptor)
@HttpCache({ name: 'http.items', ttl: '30s' })
@Controller('items')
class ItemsController {
  runs = 0;

  @Get()
  async list(@Query('page') page = '1', @Query('tag') tag?: string | string[]): Promise<unknown> {
    return { run: ++this.runs, page, tag };
  }

  @Get('public')
  @HttpCache({ principal: 'public' })
  async shared(): Promise<unknown> {
    return { run: ++this.runs };
  }

  @Get('cookie')
  async cookie(@Res({ passthrough: true }) response: Response): Promise<unknown> {
    response.cookie('session', String(++this.runs));
    return { run: this.runs };
  }

  @Get('control/:directive')
  async control(
    @Param('directive') directive: string,
    @Res({ passthrough: true }) response: Response,
  ): Promise<unknown> {
    response.setHeader('Cache-Control', directive);
    return { run: ++this.runs };
  }

  @Get('static')
  @Header('Cache-Control', 'private')
  async declared(): Promise<unknown> {
    return { run: ++this.runs };
  }

  @Get('status')
  @HttpCode(203)
  async status(): Promise<unknown> {
    return { run: ++this.runs };
  }

  @Get('vary')
  async vary(
    @Headers('accept-language') language: string,
    @Res({ passthrough: true }) response: Response,
  ): Promise<unknown> {
    response.setHeader('Vary', 'Accept-Language');
    response.setHeader('Content-Language', language);
    return { run: ++this.runs, language };
  }

  @Get('named')
  @HttpCache({ vary: ['X-Tenant'] })
  async named(@Headers('x-tenant') tenant: string): Promise<unknown> {
    return { run: ++this.runs, tenant };
  }

  @Get('file')
  async file(): Promise<StreamableFile> {
    return new StreamableFile(Buffer.from(`run ${++this.runs}`));
  }

  @Get('raw')
  raw(@Res() response: Response): void {
    response.json({ run: ++this.runs });
  }

  @Get('moved')
  @Redirect()
  async moved(): Promise<unknown> {
    return { url: `/run/${++this.runs}`, statusCode: 302 };
  }

  @Sse('events')
  events(): Observable<{ data: string }> {
    return from([{ data: `run ${++this.runs}` }]);
  }

  @Get('number/:id')
  async number(@Param('id', ParseIntPipe) id: number): Promise<unknown> {
    this.runs++;
    if (id === 404) throw new NotFoundException();
    return { id };
  }
}

describe('HttpCacheInterceptor', () => {
  let applications: CacheApplications;

  beforeAll(async () => {
    applications = await CacheApplications.start();
  });
  afterAll(() => applications.stop());
  afterEach(() => applications.reset());

  const serverOf = (app: INestApplication): Server => app.getHttpServer() as Server;
  async function boot(): Promise<{ app: INestApplication; get: (path: string) => Test }> {
    const app = await applications.listen(ItemsController);
    return { app, get: (path) => request(serverOf(app)).get(`/items${path}`) };
  }

  it('case 19: callers who wait for a response that turns out to be personal run their own', async () => {
    const { get } = await boot();
    const answers = await Promise.all(Array.from({ length: 8 }, async () => get('/cookie')));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(8);
    for (const { body, headers } of answers)
      expect(headers['set-cookie']?.[0]).toContain(`session=${String(body.run)}`);
  });

  it('caches for everybody without credentials, in one order of the query', async () => {
    const { get, app } = await boot();
    const first = await get('?page=2&tag=a&tag=b');
    expect((await get('?tag=a&page=2&tag=b')).body).toEqual(first.body);
    expect((await get('?tag=b&tag=a&page=2')).body).toMatchObject({ run: 2, tag: ['b', 'a'] });
    await app.get(CacheService).clear('http.items');
    expect((await get('?page=2&tag=a&tag=b')).body).toMatchObject({ run: 3 });
  });

  it('runs the handler once for many, and answers HEAD with it', async () => {
    const { get, app } = await boot();
    const answers = await Promise.all(Array.from({ length: 20 }, async () => get('')));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    const head = await request(serverOf(app)).head('/items').expect(200);
    expect(head.headers['age']).toBe('0');
    expect(app.get(ItemsController).runs).toBe(1);
  });

  it("shares a 'public' response with those who have credentials", async () => {
    const { get } = await boot();
    expect((await get('/public').set('Cookie', 'a=1')).body).toEqual({ run: 1 });
    expect((await get('/public').set('Authorization', 'Bearer x')).body).toEqual({ run: 1 });
  });

  it.each(['no-store', 'no-cache', 'private', 'max-age=0', 'public, max-age=5, PRIVATE="x"'])(
    'does not store what says Cache-Control: %s',
    async (directive) => {
      const { get } = await boot();
      const path = `/control/${encodeURIComponent(directive)}`;
      expect([(await get(path)).body, (await get(path)).body]).toEqual([{ run: 1 }, { run: 2 }]);
    },
  );

  it.each(['/cookie', '/static', '/status', '/file', '/raw', '/moved', '/events'])(
    'passes %s through',
    async (path) => {
      const { get, app } = await boot();
      for (let call = 0; call < 2; call++) await get(path);
      expect(app.get(ItemsController).runs).toBe(2);
    },
  );

  it.each([
    ['Cache-Control', 'no-cache'],
    ['Cache-Control', 'no-store'],
    ['Cache-Control', 'max-age=0'],
    ['Pragma', 'no-cache'],
    ['Range', 'bytes=0-1'],
  ])('leaves the cache aside for a request with %s: %s', async (name, value) => {
    const { get } = await boot();
    await get('').expect(200);
    expect((await get('').set(name, value)).body).toMatchObject({ run: 2 });
    expect((await get('').set('Cache-Control', 'max-age=60')).body).toMatchObject({ run: 1 });
  });

  it('keeps what a handler varies apart, and gives its headers again', async () => {
    const { get } = await boot();
    const ask = (language: string): Test => get('/vary').set('Accept-Language', language);
    await ask('en'); // teaches the cache that there are variants
    const [english, german] = [await ask('en'), await ask('de')];
    expect([english.body.language, german.body.language]).toEqual(['en', 'de']);
    const again = await ask('de');
    expect(again.body).toEqual(german.body);
    expect(again.headers).toMatchObject({ 'content-language': 'de', vary: 'Accept-Language' });
    expect((await ask('en')).body).toEqual(english.body);
  });

  it('keeps apart what a handler varies while several wait for the first answer', async () => {
    const { get } = await boot();
    const answers = await Promise.all(
      ['en', 'de', 'fr', 'en'].map(async (language) => ({
        language,
        answer: await get('/vary').set('Accept-Language', language),
      })),
    );
    for (const { language, answer } of answers) expect(answer.body.language).toBe(language);
  });

  it('keeps named headers apart', async () => {
    const { get } = await boot();
    const runs: unknown[] = [];
    for (const tenant of ['a', 'b', 'a'])
      runs.push((await get('/named').set('X-Tenant', tenant)).body);
    expect(runs).toEqual([
      { run: 1, tenant: 'a' },
      { run: 2, tenant: 'b' },
      { run: 1, tenant: 'a' },
    ]);
  });

  it('answers 304 to those who have the response', async () => {
    const { get } = await boot();
    const { headers } = await get('');
    const etag = String(headers['etag']);
    await get('').set('If-None-Match', `"other", ${etag}`).expect(304).expect('');
    await get('').set('If-None-Match', '"other"').expect(200);
    expect((await get('?page=2')).headers['etag']).not.toBe(etag);
  });

  it('does not cache failures, and runs pipes before anything is stored', async () => {
    const { get, app } = await boot();
    for (let call = 0; call < 2; call++) await get('/number/404').expect(404);
    await get('/number/x').expect(400);
    for (let call = 0; call < 2; call++) await get('/number/7').expect({ id: 7 });
    expect(app.get(ItemsController).runs).toBe(3);
  });

  it('answers without Redis', async () => {
    const { get } = await boot();
    await applications.server.freeze();
    expect((await get('/number/8')).body).toEqual({ id: 8 });
  });
});
