/** What the relay and its capture process say to each other over their IPC channel. Types only; both are started from the same code. */
import type { EventDraft } from '@shenlou/contract/event'
import type { IdleHost, Segment, SegmentHealth } from '@shenlou/contract/segment'
import type { Survey } from '../idle/politeness-types.ts'
import type { Probed, SynSeen } from './kernel.ts'
import type { Offered } from './ruleset.ts'
import type { StepName } from './steps.ts'

/** `release` lets go of everything until `resume`; `survey` only looks. */
export type HandAct = 'release' | 'resume' | 'survey'
export type HandAnswer = { segments: (SegmentHealth & { survey?: Survey })[] } | { failed: string }

export type ToCapture =
  /** The interfaces are in its namespace now. `own`: addresses of this machine; `saved`: what `save` said last, by segment. */
  | { type: 'begin'; interfaces: string[]; shared: boolean; own: string[]; saved: Record<string, string>; pauseAfter?: StepName | undefined }
  /** The whole desired state. */
  | { type: 'want'; segments: Segment[]; hosts: IdleHost[] }
  /** Exactly these ports lead to decoys. */
  | { type: 'offer'; offered: Offered[] }
  /** By a person on this machine, without the core; of all segments when none is named. */
  | { type: 'hand'; id: number; act: HandAct; segment?: string | undefined }
  /** Lets go of everything, gives the interfaces back to the machine (`machineSpace`), and ends. */
  | { type: 'end' }

/** `listening` comes with the handle of a socket. */
export type FromCapture =
  /** It runs, in a namespace of its own, and waits for its interfaces. */
  | { type: 'waiting' }
  | { type: 'step'; name: StepName }
  | { type: 'say'; draft: Pick<EventDraft, 'kind' | 'body'> & Partial<EventDraft> }
  | { type: 'syn'; syn: SynSeen }
  | { type: 'scanned'; rows: Probed[] }
  | { type: 'released'; addresses: string[] }
  /** To be kept for the next start, by segment. */
  | { type: 'save'; segment: string; text: string }
  | { type: 'health'; segments: SegmentHealth[]; problems: string[] }
  | { type: 'listening'; transport: 'tcp' | 'udp'; address: string; port: number }
  | { type: 'hand'; id: number; answer: HandAnswer }
  | { type: 'line'; text: string }
  /** What a person must mend; it ends after it. */
  | { type: 'failed'; text: string }

/** Key of a listening socket: a wildcard has no address. */
export const socketKey = (transport: 'tcp' | 'udp', address: string, port: number): string => `${transport} ${address}:${port}`
export const anyAddress = '0.0.0.0'
/** Descriptor of the machine's own network namespace, as capture is started with it. */
export const machineSpace = 4
