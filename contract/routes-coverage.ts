/** Routes of segments in which idle addresses are answered. */
import { z } from 'zod'
import { addressState, coverageSegment, segmentAddress } from './coverage.ts'
import { define, list, ok, page } from './route.ts'

export const coverageRoutes = define({
  coverage: {
    method: 'GET',
    path: '/segments',
    permission: 'sensor.read',
    summary: 'Segments of idle addresses: who answers there, real hosts against decoys, expected touches, blind spots.',
    answer: list(coverageSegment),
  },
  segmentMap: {
    method: 'GET',
    path: '/segments/:id/map',
    permission: 'sensor.read',
    summary: 'Every address of a segment by one byte: its state, numbered as the states are listed.',
    answer: z.object({ network: z.string(), states: z.array(addressState), cells: z.string().describe('base64, one byte an address from the first on') }),
  },
  segmentAddresses: {
    method: 'GET',
    path: '/segments/:id/addresses',
    permission: 'sensor.read',
    summary: 'Addresses of a segment with what is known of each.',
    query: z.object({
      ...page,
      state: addressState.optional(),
      reason: z.string().max(32).optional(),
      /** Decoys that offer it: `22/tcp`. */
      port: z.string().max(16).optional(),
      /** One address, or the first of those shown. */
      from: z.ipv4().optional(),
    }),
    answer: list(segmentAddress),
  },
  releaseSegment: {
    method: 'POST',
    path: '/segments/:id/release',
    permission: 'segment.release',
    summary: 'Let go of every claimed address of a segment at once, or take that back.',
    body: z.object({ released: z.boolean(), reason: z.string().min(1).max(500) }),
    answer: ok,
  },
})
