/** The undecorated twin of products.controller.ts. */
import { Body, Controller, Get, Param, Put } from '@nestjs/common';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { naiveInventory, PriceBody, ProductPrice, ShopClient } from '@shop/contracts';
import { IdPipe } from '../request-body.pipe.js';
import { priceBody } from './price-body.pipe.js';

/** The mistake is in the inventory service: a cache by hand. */
@Controller('naive/products')
@ApiTags('naive')
export class NaiveProductsController {
  constructor(private readonly shop: ShopClient) {}

  @Get(':sku')
  @ApiOkResponse({ type: ProductPrice })
  async product(@Param('sku', new IdPipe()) sku: string): Promise<ProductPrice> {
    return this.shop.send(naiveInventory.product, { sku });
  }

  @Put(':sku/price')
  @ApiOkResponse({ type: ProductPrice })
  async changePrice(
    @Param('sku', new IdPipe()) sku: string,
    @Body(priceBody) { priceCents }: PriceBody,
  ): Promise<ProductPrice> {
    return this.shop.send(naiveInventory.changePrice, { sku, priceCents });
  }
}
