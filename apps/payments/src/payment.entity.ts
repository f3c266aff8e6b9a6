/** What a checkout was charged. */
import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A row of `payments`. */
@Entity('payments')
export class Payment {
  @PrimaryColumn('text', { name: 'checkout_id' })
  checkoutId: string;

  @Column('text', { name: 'customer_id' })
  customerId: string;

  @Column('int', { name: 'amount_cents' })
  amountCents: number;

  /** The charge at the provider. */
  @Column('text', { name: 'charge_id' })
  chargeId: string;

  @Column('text')
  status: string;
}
