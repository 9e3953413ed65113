/** For measurements: a worker that serves the portal alone, which thinks no time before it answers; all else is as it ships. */
import { lazily } from '../decoy.ts'
import { portal as shipped } from './portal.ts'

export { openWorld } from '../world.ts'

const portal: typeof shipped = {
  ...shipped,
  serve: (connection, context, settings) =>
    shipped.serve(connection, Object.create(context, { latency: { value: () => Promise.resolve() } }) as typeof context, settings),
}

export const services = [lazily('portal', async () => portal)]
