/** Flash sales over HTTP. */
import { Body, Controller, Param, Post } from '@nestjs/common';
import {
  ApiConflictResponse,
  ApiCreatedResponse,
  ApiOperation,
  ApiServiceUnavailableResponse,
  ApiTags,
} from '@nestjs/swagger';
import { inventory, PurchaseBody, PurchaseReceipt, ShopClient } from '@shop/contracts';
import { Resilient } from 'nestjs-distributed';
import { IdPipe } from '../request-body.pipe.js';
import { purchaseBody } from './purchase-body.pipe.js';

/** `POST /flash-sales/:sku/purchases`: never more than the stock. */
@Controller('flash-sales')
@ApiTags('flash sales')
export class FlashSalesController {
  constructor(private readonly shop: ShopClient) {}

  /** Sends again when an answer is lost; the purchase id makes that safe. */
  @Post(':sku/purchases')
  @Resilient('inventory')
  @ApiOperation({ summary: 'Buy one unit' })
  @ApiCreatedResponse({ type: PurchaseReceipt })
  @ApiConflictResponse({ description: 'Sold out.' })
  @ApiServiceUnavailableResponse({ description: 'Try again with the same purchase id.' })
  async purchase(
    @Param('sku', new IdPipe()) sku: string,
    @Body(purchaseBody) { buyerId, purchaseId }: PurchaseBody,
  ): Promise<PurchaseReceipt> {
    return this.shop.send(inventory.purchase, { sku, buyerId, purchaseId });
  }
}
