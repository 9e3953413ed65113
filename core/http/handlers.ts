/** The function behind every route of the contract's table, one line each. */
import { audit, verifyAudit } from '../audit.ts'
import { changePassword, signIn, signOut, totpBegin, totpConfirm, totpOff } from '../auth/sign-in.ts'
import { blob } from '../blobs.ts'
import { incident, incidents, mergeIncidents, splitIncident } from '../correlate/incidents.ts'
import { decoys } from '../decoys-view.ts'
import { finding, findings } from '../detect/findings.ts'
import { event, eventFacets, events, rejectedEvents } from '../events.ts'
import { knownScanners } from '../known-scanners.ts'
import { notices, readNotices } from '../notices.ts'
import { coverage } from '../operate/coverage.ts'
import { delaySettings, endDelay, saveDelaySettings, startDelay } from '../delay/delays.ts'
import { delays } from '../delay/holds.ts'
import { releaseSegment } from '../operate/release.ts'
import { rollouts, startRollout, stepRollout } from '../releases/rollout.ts'
import { distrustReleaseKey, importRelease, releaseKeys, releases, trustReleaseKey } from '../releases/store.ts'
import { segmentAddresses, segmentMap } from '../operate/segment-addresses.ts'
import { applyTemplate, planTemplate, templates } from '../operate/templates.ts'
import { overview } from '../overview.ts'
import { changePerson, createPerson, me, people, preferences, scopes, setPreferences } from '../people.ts'
import { createSource, pushAlerts, sources } from '../sense/sources.ts'
import { confirmSensor, issueEnrolment, revokeSensor, sensors } from '../sensors/registry.ts'
import { configureSensor, removeSensorGroup, saveSensorGroup, sensorGroups, sensorSettings } from '../sensors/settings.ts'
import { session, sessionEvents, sessions } from '../sessions.ts'
import { sessionPlant } from '../sessions-plant.ts'
import { recording, recordingCast } from '../sessions-recording.ts'
import { stepTicket, ticket, tickets } from '../tickets/tickets.ts'
import { createToken, revokeToken, tokens } from '../tokens.ts'
import { health } from './health.ts'
import type { Handlers } from './route-types.ts'

export const handlers: Handlers = {
  health,
  signIn,
  signOut,
  me,
  changePassword,
  preferences,
  setPreferences,
  totpBegin,
  totpConfirm,
  totpOff,

  overview,
  sessions,
  session,
  sessionEvents,
  sessionPlant,
  recording,
  recordingCast,
  events,
  event,
  eventFacets,
  rejectedEvents,
  blob,

  sensors,
  issueEnrolment,
  confirmSensor,
  revokeSensor,
  sensorSettings,
  configureSensor,
  sensorGroups,
  saveSensorGroup,
  removeSensorGroup,
  sources,
  createSource,
  pushAlerts,
  decoys,
  templates,
  planTemplate,
  applyTemplate,
  knownScanners,
  coverage,
  segmentMap,
  segmentAddresses,
  releaseSegment,
  delays,
  startDelay,
  endDelay,
  delaySettings,
  saveDelaySettings,
  releases,
  importRelease,
  releaseKeys,
  trustReleaseKey,
  distrustReleaseKey,
  rollouts,
  startRollout,
  stepRollout,

  findings,
  finding,
  incidents,
  incident,
  mergeIncidents,
  splitIncident,
  tickets,
  ticket,
  stepTicket,
  notices,
  readNotices,

  people,
  createPerson,
  changePerson,
  scopes,
  tokens,
  createToken,
  revokeToken,
  audit,
  verifyAudit,
}
