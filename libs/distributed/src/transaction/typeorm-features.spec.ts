/** Features of TypeORM that keep hold of a query runner: subscribers, lazy relations, trees, by hand. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  Column,
  Entity,
  EventSubscriber,
  type InsertEvent,
  ManyToOne,
  OneToMany,
  PrimaryGeneratedColumn,
  Tree,
  TreeChildren,
  TreeParent,
  type EntitySubscriberInterface,
} from 'typeorm';
import {
  Boom,
  boom,
  createTransactionFixture,
  Note,
  type TransactionFixture,
} from '../../../../test/support/transaction.fixture.js';

@Entity()
class Author {
  @PrimaryGeneratedColumn()
  id!: number;

  @OneToMany(() => Book, (book) => book.author, { cascade: true, lazy: true })
  books!: Promise<Book[]>;
}

@Entity()
class Book {
  @PrimaryGeneratedColumn()
  id!: number;

  @Column({ type: 'text' })
  title!: string;

  @ManyToOne(() => Author, { lazy: true })
  author!: Promise<Author>;
}

@Entity()
@Tree('closure-table')
class Category {
  @PrimaryGeneratedColumn()
  id!: number;

  @TreeParent()
  parent!: Category | null;

  @TreeChildren()
  children!: Category[];
}

/** Nobody asks for its repository before the test that does. */
@Entity()
class Untouched {
  @PrimaryGeneratedColumn()
  id!: number;
}

/** Writes an audit row through the event's manager, as subscribers do. */
@EventSubscriber()
class Audit implements EntitySubscriberInterface<Book> {
  static readonly seen: string[] = [];
  static failing = false;

  listenTo(): typeof Book {
    return Book;
  }

  async afterInsert(event: InsertEvent<Book>): Promise<void> {
    const text = `audit ${event.entity.title}`;
    await event.manager.transaction((manager) => manager.insert(Note, { text }));
  }

  beforeTransactionCommit(): void {
    Audit.seen.push('beforeCommit');
  }

  afterTransactionCommit(): void {
    Audit.seen.push('afterCommit');
    if (Audit.failing) throw new Boom('subscriber');
  }

  afterTransactionRollback(): void {
    Audit.seen.push('afterRollback');
  }
}

describe('TypeORM inside a transaction', () => {
  let f: TransactionFixture;
  const write = async (): Promise<Author> => {
    const author = await f.dataSource.getRepository(Author).save(new Author());
    const book = f.dataSource.getRepository(Book).create({ title: 'one' });
    book.author = Promise.resolve(author);
    await f.dataSource.getRepository(Book).save(book);
    return author;
  };
  const reload = async (id: number): Promise<Author> =>
    f.dataSource.getRepository(Author).findOneByOrFail({ id });

  beforeAll(async () => {
    f = await createTransactionFixture({
      dataSource: { entities: [Note, Author, Book, Category, Untouched], subscribers: [Audit] },
    });
  });
  afterAll(() => f.close());
  beforeEach(async () => {
    Audit.seen.length = 0;
    Audit.failing = false;
    f.hookErrors.length = 0;
    await f.observe('TRUNCATE note, author, book, category CASCADE');
  });
  afterEach(() => f.expectClean());

  // Naive: the event's manager holds the bare runner; its own transaction commits ours.
  it('a subscriber that writes through its event rolls back with the transaction', async () => {
    await expect(f.transactions.run(() => write().then(boom))).rejects.toBeInstanceOf(Boom);
    expect(await f.rows()).toEqual([]);
    await f.transactions.run(write);
    expect(await f.rows()).toEqual(['audit one']);
  });

  // Naive (plain TypeORM): the caller sees a failure although the row is committed.
  it('transaction subscribers are called; one that fails after COMMIT changes nothing', async () => {
    await f.transactions.run(() => f.pid());
    Audit.seen.length = 0;
    Audit.failing = true;
    await f.transactions.run(() => f.save('a'));
    expect(await f.rows()).toEqual(['a']);
    expect(f.hookErrors.map(String)).toEqual(['Error: subscriber']);
    await f.transactions.run(async () => boom()).catch(() => undefined);
    expect(Audit.seen).toEqual(['beforeCommit', 'afterCommit', 'afterRollback']);
  });

  it('a lazy relation loads inside the transaction, and also after it', async () => {
    const { id } = await f.transactions.run(write);
    const author = await f.transactions.run(async () => {
      const loaded = await reload(id);
      expect((await loaded.books).map((book) => book.title)).toEqual(['one']);
      return reload(id);
    });
    // Naive: the entity keeps the runner it was loaded with, which has ended.
    expect((await author.books).map((book) => book.title)).toEqual(['one']);
  });

  it('a lazy relation of an older entity sees the writes of the current transaction', async () => {
    const { id } = await f.transactions.run(write);
    const author = await f.transactions.run(() => reload(id));
    const seen = await f.transactions.run(async () => {
      await f.dataSource.getRepository(Book).update({ title: 'one' }, { title: 'new' });
      return (await author.books).map((book) => book.title);
    });
    expect(seen).toEqual(['new']);
  });

  // Naive: the cached repository keeps the runner of the transaction it was first asked for in.
  it('a repository first asked for inside a transaction works after it', async () => {
    const repository = await f.transactions.run(async () => f.dataSource.getRepository(Untouched));
    await repository.createQueryBuilder().insert().values({}).execute();
    expect(await repository.createQueryBuilder().getCount()).toBe(1);
  });

  it('tree repositories join', async () => {
    const categories = f.dataSource.getTreeRepository(Category);
    const failing = f.transactions.run(async () => {
      const root = await categories.save(new Category());
      const child = new Category();
      child.parent = root;
      await categories.save(child);
      expect(await categories.countDescendants(root)).toBe(2);
      boom();
    });
    await expect(failing).rejects.toBeInstanceOf(Boom);
    expect(await categories.count()).toBe(0);
  });

  it('a chunked save of many entities stays one transaction', async () => {
    const many = Array.from({ length: 50 }, (_, n) => ({ text: `n${n}` }));
    const failing = f.transactions.run(() =>
      f.dataSource.getRepository(Note).save(many, { chunk: 7 }).then(boom),
    );
    await expect(failing).rejects.toBeInstanceOf(Boom);
    expect(await f.rows()).toEqual([]);
  });

  // Naive: the statement ends the transaction, and everything after it is autocommitted.
  it.each(['COMMIT', ' rollback', 'BEGIN', 'END', "PREPARE TRANSACTION 'x'", 'start transaction'])(
    '%s by hand is refused',
    async (sql) => {
      const failing = f.transactions.run(async () => {
        await f.save('a');
        await f.dataSource.query(sql);
      });
      await expect(failing).rejects.toMatchObject({ code: 'E_TRANSACTION_UNSUPPORTED' });
      expect(await f.rows()).toEqual([]);
    },
  );

  it.each([
    'startTransaction',
    'commitTransaction',
    'rollbackTransaction',
    'connect',
    'stream',
  ] as const)('queryRunner.%s is refused, release does nothing', async (method) => {
    await f.transactions.run(async () => {
      const runner = f.dataSource.manager.queryRunner!;
      const call = runner[method].bind(runner) as (sql: string) => Promise<unknown>;
      await expect(call('SELECT 1')).rejects.toMatchObject({ code: 'E_TRANSACTION_UNSUPPORTED' });
      await runner.release();
      await runner[Symbol.asyncDispose]();
      await f.save('a');
    });
    expect(await f.rows()).toEqual(['a']);
  });

  it('a query runner of one’s own stays outside', async () => {
    const failing = f.transactions.run(async () => {
      const own = f.dataSource.createQueryRunner();
      await own.query(`INSERT INTO note (text) VALUES ('own')`);
      await own.release();
      boom();
    });
    await expect(failing).rejects.toBeInstanceOf(Boom);
    expect(await f.rows()).toEqual(['own']);
  });
});
