/** Products and prices over HTTP. */
import { Body, Controller, Get, Param, Put } from '@nestjs/common';
import {
  ApiOkResponse,
  ApiOperation,
  ApiServiceUnavailableResponse,
  ApiTags,
  ApiUnprocessableEntityResponse,
} from '@nestjs/swagger';
import { inventory, PriceBody, ProductPrice, ShopClient } from '@shop/contracts';
import { Resilient } from 'nestjs-distributed';
import { IdPipe } from '../request-body.pipe.js';
import { priceBody } from './price-body.pipe.js';

/** Reads come from the cache of the inventory, changes invalidate it before they are answered. */
@Controller('products')
@ApiTags('products')
export class ProductsController {
  constructor(private readonly shop: ShopClient) {}

  @Get(':sku')
  @Resilient('inventory')
  @ApiOperation({ summary: 'The price, never older than the last acknowledged change' })
  @ApiOkResponse({ type: ProductPrice })
  @ApiUnprocessableEntityResponse({ description: 'There is no such product.' })
  async product(@Param('sku', new IdPipe()) sku: string): Promise<ProductPrice> {
    return this.shop.send(inventory.product, { sku });
  }

  /** Not repeated after a lost answer: each change makes a new version. */
  @Put(':sku/price')
  @Resilient('inventory', { idempotent: false })
  @ApiOperation({ summary: 'Change the price' })
  @ApiOkResponse({ type: ProductPrice })
  @ApiUnprocessableEntityResponse({ description: 'There is no such product.' })
  @ApiServiceUnavailableResponse({ description: 'The change is not confirmed.' })
  async changePrice(
    @Param('sku', new IdPipe()) sku: string,
    @Body(priceBody) { priceCents }: PriceBody,
  ): Promise<ProductPrice> {
    return this.shop.send(inventory.changePrice, { sku, priceCents });
  }
}
