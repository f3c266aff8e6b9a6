/** A trace of every price that was loaded from the database, for whoever judges the cache. */
import { Column, CreateDateColumn, Entity, PrimaryGeneratedColumn } from 'typeorm';

/** A row of `price_loads`. */
@Entity('price_loads')
export class PriceLoad {
  @PrimaryGeneratedColumn('increment', { type: 'bigint' })
  id: string;

  @Column('text')
  sku: string;

  /** The process that loaded it. */
  @Column('text')
  replica: string;

  @CreateDateColumn({ type: 'timestamptz' })
  at: Date;
}
