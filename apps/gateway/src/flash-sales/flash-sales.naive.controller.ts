/** The undecorated twin of flash-sales.controller.ts. */
import { Body, Controller, Param, Post } from '@nestjs/common';
import { ApiCreatedResponse, ApiTags } from '@nestjs/swagger';
import { naiveInventory, PurchaseBody, PurchaseReceipt, ShopClient } from '@shop/contracts';
import { IdPipe } from '../request-body.pipe.js';
import { purchaseBody } from './purchase-body.pipe.js';

/** The mistake: one attempt; whatever the network does to it, the buyer gets to see. */
@Controller('naive/flash-sales')
@ApiTags('naive')
export class NaiveFlashSalesController {
  constructor(private readonly shop: ShopClient) {}

  @Post(':sku/purchases')
  @ApiCreatedResponse({ type: PurchaseReceipt })
  async purchase(
    @Param('sku', new IdPipe()) sku: string,
    @Body(purchaseBody) { buyerId, purchaseId }: PurchaseBody,
  ): Promise<PurchaseReceipt> {
    return this.shop.send(naiveInventory.purchase, { sku, buyerId, purchaseId });
  }
}
