/** A TypeORM DataSource as public signatures name it, so that typings work without TypeORM. */

/** Any TypeORM `DataSource` (0.3.20 and later, 1.x). Only PostgreSQL ones take part. */
export interface DataSourceLike {
  readonly isInitialized: boolean;
  readonly options: { readonly type: string };
  readonly manager: object;
}

/** TypeORM's own brand; `instanceof` and class names fail across duplicated installs and minifiers. */
export function isDataSource(value: unknown): value is DataSourceLike {
  if (typeof value !== 'object' || value === null) return false;
  try {
    return (value as Record<string, unknown>)['@instanceof'] === Symbol.for('DataSource');
  } catch {
    // Providers may be proxies that throw outside of a request.
    return false;
  }
}

/** The name a DataSource goes by; TypeORM's and `@nestjs/typeorm`'s default is `default`. */
export function dataSourceName(dataSource: DataSourceLike): string {
  return (dataSource.options as { readonly name?: string }).name ?? 'default';
}
