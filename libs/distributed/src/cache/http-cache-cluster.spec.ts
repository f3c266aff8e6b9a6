/** Requests that wait for the response of another process: they get it only if it may be shared. */
import 'reflect-metadata';
import type { Server } from 'node:http';
import {
  Controller,
  Get,
  type INestApplication,
  NotFoundException,
  Res,
  UseInterceptors,
} from '@nestjs/common';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Response as Reply } from 'express';
import request, { type Response } from 'supertest';
import { CacheApplications } from '../../../../test/support/cache-application.fixture.js';
import { HttpCacheInterceptor } from './index.js';

/** What a serializer further out would hide fields of. */
class Account {
  constructor(readonly run: number) {}
}

@UseInterceptors(HttpCacheInterceptor)
@Controller()
class ProbeController {
  private static readonly runs = new Map<string, number>();

  /** Runs in all processes, that is in all applications of this test. */
  static runsOf(route: string): number {
    return ProbeController.runs.get(route) ?? 0;
  }

  static reset(): void {
    ProbeController.runs.clear();
  }

  @Get('shared')
  async shared(): Promise<unknown> {
    return { run: this.#count('shared') };
  }

  @Get('personal')
  async personal(@Res({ passthrough: true }) reply: Reply): Promise<unknown> {
    const run = this.#count('personal');
    reply.cookie('session', String(run));
    return { run };
  }

  @Get('missing')
  async missing(): Promise<unknown> {
    throw new NotFoundException(`run ${this.#count('missing')}`);
  }

  @Get('instance')
  async instance(): Promise<unknown> {
    return { account: new Account(this.#count('instance')) };
  }

  #count(route: string): number {
    const run = ProbeController.runsOf(route) + 1;
    ProbeController.runs.set(route, run);
    return run;
  }
}

describe('responses of another process', () => {
  let applications: CacheApplications;
  let nodes: INestApplication[];

  beforeAll(async () => {
    applications = await CacheApplications.start();
  });
  afterAll(() => applications.stop());
  afterEach(() => applications.reset());

  /** Twelve requests at once, to two nodes behind one name. */
  async function ask(path: string): Promise<Response[]> {
    ProbeController.reset();
    nodes = [
      await applications.listen(ProbeController),
      await applications.listen(ProbeController),
    ];
    return Promise.all(
      Array.from({ length: 12 }, async (_, index) =>
        request(nodes[index % 2]?.getHttpServer() as Server)
          .get(path)
          .set('Host', 'shop.example'),
      ),
    );
  }

  it('are shared: one run for all nodes', async () => {
    const answers = await ask('/shared');
    expect(new Set(answers.map(({ text }) => text))).toEqual(new Set(['{"run":1}']));
  });

  it('are not shared when they set a cookie', async () => {
    const answers = await ask('/personal');
    expect(new Set(answers.map(({ text }) => text)).size).toBe(12);
    for (const { body, headers } of answers)
      expect(headers['set-cookie']?.[0]).toContain(`session=${String(body.run)}`);
  });

  it('are not shared when they failed: each request has its own failure, with its status', async () => {
    const answers = await ask('/missing');
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([404]));
    expect(new Set(answers.map(({ body }) => String(body.message))).size).toBeGreaterThan(1);
  });

  it('are not shared when they hold instances, whose hidden fields a copy would show', async () => {
    const answers = await ask('/instance');
    expect(new Set(answers.map(({ text }) => text)).size).toBe(12);
  });
});
