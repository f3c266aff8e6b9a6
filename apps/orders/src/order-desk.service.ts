/** Places orders with stock and payment, as one writes it when nothing ever fails half-way. */
import { Injectable } from '@nestjs/common';
import {
  CardDeclinedError,
  type OrderItem,
  type OrderReceipt,
  type PlaceOrder,
  UnknownSkuError,
} from '@shop/contracts';
import { InjectPartitionRepository } from 'nestjs-distributed';
import { Repository } from 'typeorm';
import { OrderPayment } from './order-payment.entity.js';
import { Order } from './order.entity.js';
import { StockMovement } from './stock-movement.entity.js';

/** What a card covers at most. */
const CARD_LIMIT_CENTS = 100_000;

/**
 * Writes to three tables of the customer's shard. Both handlers call it; one of them makes it all
 * or nothing.
 */
@Injectable()
export class OrderDesk {
  constructor(
    @InjectPartitionRepository(Order) private readonly orders: Repository<Order>,
    @InjectPartitionRepository(StockMovement)
    private readonly movements: Repository<StockMovement>,
    @InjectPartitionRepository(OrderPayment) private readonly payments: Repository<OrderPayment>,
  ) {}

  /** @throws UnknownSkuError, CardDeclinedError */
  async place(order: PlaceOrder): Promise<OrderReceipt> {
    const { orderId, customerId, items, amountCents } = order;
    // The first statement claims the id: a repeated request, even at the same moment, stops here.
    if (!(await this.#open(order))) return { orderId };
    await Promise.all(items.map((item) => this.#move(order, item)));
    if (amountCents > CARD_LIMIT_CENTS) throw new CardDeclinedError(amountCents);
    await this.payments.insert({ orderId, customerId, amountCents });
    return { orderId };
  }

  /** False when the order is there already. */
  async #open({ orderId, customerId, amountCents }: PlaceOrder): Promise<boolean> {
    const row = { id: orderId, customerId, amountCents, status: 'paid' };
    const insert = this.orders.createQueryBuilder().insert().values(row).orIgnore();
    const { raw } = await insert.returning('id').execute();
    return (raw as unknown[]).length > 0;
  }

  async #move({ orderId, customerId }: PlaceOrder, { sku, quantity }: OrderItem): Promise<void> {
    if (sku.startsWith('missing-')) throw new UnknownSkuError(sku);
    await this.movements.insert({ orderId, customerId, sku, quantity });
  }
}
