/** What the orders service answers: a customer's orders, and orders with stock and payment. */
import { ApiProperty } from '@nestjs/swagger';
import { message } from './message.contract.js';

/** HTTP body of a simple order. */
export class CustomerOrderBody {
  @ApiProperty({ example: 'order-1', description: 'Repeating it never orders twice.' })
  orderId: string;

  @ApiProperty({ example: 'lamp' })
  sku: string;

  @ApiProperty({ example: 2 })
  quantity: number;
}

/** A simple order of one customer. */
export interface CustomerOrder extends CustomerOrderBody {
  readonly customerId: string;
}

/** Names a customer. */
export interface CustomerKey {
  readonly customerId: string;
}

/** An order as customers see it. */
export class OrderView {
  @ApiProperty({ example: 'order-1' })
  orderId: string;

  @ApiProperty({ example: 'customer-7' })
  customerId: string;

  @ApiProperty({ type: String, example: 'lamp', nullable: true })
  sku: string | null;

  @ApiProperty({ type: Number, example: 2, nullable: true })
  quantity: number | null;
}

/** One line of an order. */
export class OrderItem {
  @ApiProperty({ example: 'lamp' })
  sku: string;

  @ApiProperty({ example: 1 })
  quantity: number;
}

/** HTTP body and message of an order with stock movements and payment. */
export class PlaceOrder {
  @ApiProperty({ example: 'order-2', description: 'Repeating it never orders twice.' })
  orderId: string;

  @ApiProperty({ example: 'customer-7' })
  customerId: string;

  @ApiProperty({ type: [OrderItem] })
  items: OrderItem[];

  @ApiProperty({ example: 4999, description: 'More than 100000 and the card is declined.' })
  amountCents: number;
}

/** The order stands: its row, its stock movements and its payment. */
export class OrderReceipt {
  @ApiProperty({ example: 'order-2' })
  orderId: string;
}

/** Patterns of the orders service. */
export const orders = {
  create: message<CustomerOrder, OrderView>('orders.create'),
  list: message<CustomerKey, OrderView[]>('orders.list'),
  place: message<PlaceOrder, OrderReceipt>('orders.place'),
};

/** The undecorated twins. */
export const naiveOrders = {
  create: message<CustomerOrder, OrderView>('naive.orders.create'),
  list: message<CustomerKey, OrderView[]>('naive.orders.list'),
  place: message<PlaceOrder, OrderReceipt>('naive.orders.place'),
};
