/** A trace of every holder that the fence refused, for whoever judges the flash sale. */
import { Column, CreateDateColumn, Entity, PrimaryGeneratedColumn } from 'typeorm';

/** A row of `late_holders`. */
@Entity('late_holders')
export class LateHolder {
  @PrimaryGeneratedColumn('increment', { type: 'bigint' })
  id: string;

  @Column('text', { name: 'lock_key' })
  lockKey: string;

  /** The process that was late. */
  @Column('text')
  replica: string;

  @CreateDateColumn({ type: 'timestamptz' })
  at: Date;
}
