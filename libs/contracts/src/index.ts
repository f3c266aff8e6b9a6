/** What the shop's services agree on: messages, errors, and how messages travel. */
export { Environment, EnvironmentError } from './environment.js';
export {
  inventory,
  naiveInventory,
  PriceBody,
  type PriceChange,
  type ProductKey,
  ProductPrice,
  type Purchase,
  PurchaseBody,
  PurchaseReceipt,
} from './inventory.contract.js';
export { message, type MessageContract } from './message.contract.js';
export { MessageClaimStore } from './messaging/message-claim.store.js';
export { type ErrorEnvelope, isErrorEnvelope, RemoteError } from './messaging/messaging.errors.js';
export { MessagingModule } from './messaging/messaging.module.js';
export type {
  Executed,
  FailureClassifier,
  MessagingOptions,
} from './messaging/messaging.options.js';
export { OncePerMessageInterceptor } from './messaging/once-per-message.interceptor.js';
export { RpcErrorFilter } from './messaging/rpc-error.filter.js';
export { ShopClientModule } from './messaging/shop-client.module.js';
export { SHOP_TRANSPORT, ShopClient } from './messaging/shop-client.service.js';
export { isShopMessage, type ShopMessage, shopMessage } from './messaging/shop-message.js';
export { ShopRedisClient } from './messaging/shop-redis-client.js';
export { ShopRedisServer } from './messaging/shop-redis-server.js';
export {
  type CustomerKey,
  type CustomerOrder,
  CustomerOrderBody,
  naiveOrders,
  OrderItem,
  OrderReceipt,
  orders,
  OrderView,
  PlaceOrder,
} from './orders.contract.js';
export { Checkout, CheckoutReceipt, naivePayments, payments } from './payments.contract.js';
export { serve } from './serve.js';
export { CardDeclinedError, ShopError, SoldOutError, UnknownSkuError } from './shop.errors.js';
