/** The decorators on providers and controllers of a Nest application. */
import 'reflect-metadata';
import type { Server } from 'node:http';
import { Controller, Get, type INestApplication, Injectable, Param } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import request from 'supertest';
import { CacheApplications } from '../../../../test/support/cache-application.fixture.js';
import { DistributedError } from '../distributed.errors.js';
import { Cached, CacheEvict, CachePut, CacheService } from './index.js';

interface User {
  readonly id: string;
  readonly name: string;
}

@Injectable()
class Users {
  readonly rows = new Map<string, User>([['1', { id: '1', name: 'ada' }]]);
  loads = 0;

  @Cached({
    name: 'user.byId',
    ttl: '5m',
    unless: (user: User | undefined, _id: string) => user?.name === 'secret',
  })
  async byId(id: string): Promise<User | undefined> {
    this.loads++;
    return this.rows.get(id);
  }

  @Cached({ condition: (_letter: string, fresh = false) => !fresh })
  async search(letter: string, _fresh?: boolean): Promise<User[]> {
    this.loads++;
    return [...this.rows.values()].filter(({ name }) => name.startsWith(letter));
  }

  @CacheEvict({ name: 'user.byId', key: (id: string) => id })
  @CacheEvict({ name: 'Users.search', all: true })
  async rename(id: string, name: string): Promise<void> {
    if (name === '') throw new Error('a user needs a name');
    this.rows.set(id, { id, name });
  }

  @CachePut({ name: 'user.byId', key: (user: User) => user.id })
  @CacheEvict({ name: 'Users.search', all: true })
  async save(user: User): Promise<User> {
    this.rows.set(user.id, user);
    return user;
  }

  @CacheEvict({ name: 'user.byId', key: (id: string) => id })
  async commitUnknown(id: string): Promise<void> {
    this.rows.set(id, { id, name: 'committed' });
    throw new DistributedError('E_TRANSACTION_OUTCOME_UNKNOWN', 'nobody knows');
  }
}

@Controller('users')
class UsersController {
  loads = 0;

  constructor(private readonly users: Users) {}

  @Get(':id')
  @Cached({ name: 'http.user', key: (id: string) => id })
  async one(@Param('id') id: string): Promise<unknown> {
    this.loads++;
    return { user: this.users.rows.get(id) ?? null };
  }
}

describe('the decorators', () => {
  let applications: CacheApplications;

  beforeAll(async () => {
    applications = await CacheApplications.start();
  });
  afterAll(() => applications.stop());
  afterEach(() => applications.reset());

  const boot = (): Promise<INestApplication> =>
    applications.boot({ providers: [Users], controllers: [UsersController] });
  const bootUsers = async (): Promise<Users> => (await boot()).get(Users);

  it("cache a provider's method, undefined too, and give everybody the same frozen value", async () => {
    const users = await bootUsers();
    const first = await users.byId('1');
    expect(await users.byId('1')).toBe(first);
    expect(Object.isFrozen(first)).toBe(true);
    await users.byId('nobody');
    expect(await users.byId('nobody')).toBeUndefined();
    expect(users.loads).toBe(2);
  });

  it('cache a route handler, by its arguments after pipes', async () => {
    const app = await boot();
    const http = request(app.getHttpServer() as Server);
    for (const expected of ['ada', 'ada']) {
      const { body } = await http.get('/users/1').expect(200);
      expect(body).toEqual({ user: { id: '1', name: expected } });
    }
    await http.get('/users/2').expect({ user: null });
    expect(app.get(UsersController).loads).toBe(2);
  });

  it('name a cache after class and method, and obey condition and unless', async () => {
    const app = await boot();
    const users = app.get(Users);
    for (let call = 0; call < 2; call++) await users.search('a');
    for (let call = 0; call < 2; call++) await users.search('a', true);
    expect(users.loads).toBe(3);
    users.rows.set('7', { id: '7', name: 'secret' });
    for (let call = 0; call < 2; call++) await users.byId('7');
    expect(users.loads).toBe(5);
    expect(Object.keys(app.get(CacheService).stats())).toEqual(
      expect.arrayContaining(['user.byId', 'Users.search', 'http.user']),
    );
  });

  it('evict after the method, several caches at once', async () => {
    const users = await bootUsers();
    await users.byId('1');
    await users.search('a');
    await users.rename('1', 'bob');
    expect(await users.byId('1')).toEqual({ id: '1', name: 'bob' });
    expect(await users.search('a')).toEqual([]);
  });

  it('evict nothing when the method throws, unless its commit is in doubt', async () => {
    const users = await bootUsers();
    await users.byId('1');
    await expect(users.rename('1', '')).rejects.toThrow('a user needs a name');
    expect(await users.byId('1')).toEqual({ id: '1', name: 'ada' });
    expect(users.loads).toBe(1);
    await expect(users.commitUnknown('1')).rejects.toMatchObject({
      code: 'E_TRANSACTION_OUTCOME_UNKNOWN',
    });
    expect(await users.byId('1')).toEqual({ id: '1', name: 'committed' });
  });

  it('put what the method returned, and leave its own result alone', async () => {
    const users = await bootUsers();
    await users.byId('1');
    const saved = { id: '1', name: 'grace' };
    expect(await users.save(saved)).toBe(saved);
    expect(await users.byId('1')).toEqual(saved);
    expect(users.loads).toBe(1);
  });

  it('reject when an eviction is not confirmed; the write before it stays', async () => {
    const users = await bootUsers();
    await users.byId('1');
    await applications.server.freeze();
    const renamed = users.rename('1', 'bob');
    await expect(renamed).rejects.toMatchObject({
      code: 'E_CACHE_INVALIDATION',
      details: { caches: ['Users.search', 'user.byId'] },
    });
    expect(users.rows.get('1')?.name).toBe('bob');
    expect(await users.byId('1')).toEqual({ id: '1', name: 'bob' });
    await applications.server.thaw();
  });
});
