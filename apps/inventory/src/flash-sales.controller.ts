/** Flash sales that sell what there is. */
import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { inventory, type Purchase, type PurchaseReceipt } from '@shop/contracts';
import { DistributedLock, Transactional } from 'nestjs-distributed';
import { FlashSaleService } from './flash-sale.service.js';

/** The same service as the naive twin; the decorators make the difference. */
@Controller()
export class FlashSalesController {
  constructor(private readonly sales: FlashSaleService) {}

  /**
   * One buyer at a time per product, on all replicas together; stock and purchase in one commit. A
   * replica that was frozen for longer than the lease is refused by the database when it comes back.
   */
  @MessagePattern(inventory.purchase)
  @DistributedLock({ key: ({ sku }: Purchase) => ['flash-sale', sku], lease: '1s', wait: '4s' })
  @Transactional({ fenced: true })
  async purchase(@Payload('body') purchase: Purchase): Promise<PurchaseReceipt> {
    return this.sales.purchase(purchase);
  }
}
