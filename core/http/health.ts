/** Whether the core serves: the database answers. */
import type { RouteAnswer } from '@shenlou/contract/api'
import type { Core } from '../core.ts'
import { version } from './version.ts'

export async function health(core: Core): Promise<RouteAnswer<'health'>> {
  await core.sql`select 1`
  return { ok: true, version }
}
