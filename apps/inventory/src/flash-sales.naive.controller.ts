/** The undecorated twin of flash-sales.controller.ts. */
import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { naiveInventory, type Purchase, type PurchaseReceipt } from '@shop/contracts';
import { FlashSaleService } from './flash-sale.service.js';

/**
 * The mistake: no lock and no transaction. Two buyers read the same stock and both write `stock - 1`:
 * one update is lost and the sale sells too much.
 */
@Controller()
export class NaiveFlashSalesController {
  constructor(private readonly sales: FlashSaleService) {}

  @MessagePattern(naiveInventory.purchase)
  async purchase(@Payload('body') purchase: Purchase): Promise<PurchaseReceipt> {
    return this.sales.purchase(purchase);
  }
}
