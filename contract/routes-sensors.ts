/** Routes of sensors and of other tools that send alerts. */
import { z } from 'zod'
import { scopePath, slug } from './primitives.ts'
import * as r from './records.ts'
import { define, list, ok } from './route.ts'
import { type SettingKey, settingKeys } from './setting-ranges.ts'
import { sensorSettings } from './tuning.ts'

const settingValue = z.union([z.number(), z.string()])
const settingsAnswer = z.object({
  group: z.string().nullable(),
  settings: z.array(
    z.object({
      key: z.enum(settingKeys as [SettingKey, ...SettingKey[]]),
      value: settingValue,
      from: z.enum(['default', 'group', 'sensor']),
      default: settingValue,
      group: settingValue.nullable(),
      sensor: settingValue.nullable(),
    }),
  ),
})

export const sensorsRoutes = define({
  sensors: {
    method: 'GET',
    path: '/sensors',
    permission: 'sensor.read',
    summary: 'Relays, decoy hosts and sources with their health.',
    answer: list(r.sensorSummary),
  },
  issueEnrolment: {
    method: 'POST',
    path: '/sensors/enrolments',
    permission: 'sensor.manage',
    summary: 'Make an enrolment token, good once, for at most an hour.',
    body: z.object({
      role: z.enum(['relay', 'decoys']),
      name: z.string().min(1).max(64),
      scope: scopePath,
      network: z.string().max(49),
      minutes: z.number().int().min(1).max(60).default(60),
    }),
    answer: z.object({ token: z.string(), expires: z.number() }),
  },
  confirmSensor: {
    method: 'POST',
    path: '/sensors/:id/confirm',
    permission: 'sensor.manage',
    summary: 'Confirm a new sensor by its fingerprint.',
    body: z.object({ fingerprint: z.string() }),
    answer: ok,
  },
  revokeSensor: {
    method: 'POST',
    path: '/sensors/:id/revoke',
    permission: 'sensor.manage',
    summary: 'Revoke a sensor; its channel and tunnels close within 2 s.',
    body: z.object({ reason: z.string().min(1).max(500) }),
    answer: ok,
  },
  sensorSettings: {
    method: 'GET',
    path: '/sensors/:id/settings',
    permission: 'sensor.read',
    summary: 'Settings of a sensor, each with where its value comes from.',
    answer: settingsAnswer,
  },
  configureSensor: {
    method: 'PUT',
    path: '/sensors/:id/settings',
    permission: 'sensor.manage',
    summary: 'Put a sensor into a group and give it settings of its own; it applies them without dropping connections.',
    body: z.strictObject({ group: slug.nullable(), settings: sensorSettings }),
    answer: settingsAnswer,
  },
  sensorGroups: {
    method: 'GET',
    path: '/sensor-groups',
    permission: 'sensor.read',
    summary: 'Groups of sensors that are set up alike.',
    answer: list(z.object({ name: z.string(), scope: z.string(), settings: sensorSettings, sensors: z.number().int() })),
  },
  saveSensorGroup: {
    method: 'PUT',
    path: '/sensor-groups/:name',
    permission: 'sensor.manage',
    summary: 'Make a group of sensors, or give it other settings.',
    body: z.strictObject({ scope: scopePath, settings: sensorSettings }),
    answer: ok,
  },
  removeSensorGroup: {
    method: 'DELETE',
    path: '/sensor-groups/:name',
    permission: 'sensor.manage',
    summary: 'Remove a group; its sensors keep their own settings.',
    answer: ok,
  },
  sources: { method: 'GET', path: '/sources', permission: 'sensor.read', summary: 'Other tools that send their alerts here.', answer: list(r.source) },
  createSource: {
    method: 'POST',
    path: '/sources',
    permission: 'source.manage',
    summary: 'Register a tool that sends alerts by syslog or HTTP push.',
    body: z.object({
      name: z.string().min(1).max(64),
      format: z.enum(['suricata-eve', 'cef']),
      transport: z.enum(['syslog', 'http']),
      scope: scopePath,
      allowed: z.array(z.string().max(49)).max(50).default([]),
    }),
    answer: r.source,
  },
  pushAlerts: {
    method: 'POST',
    path: '/sources/:id/alerts',
    permission: 'source.push',
    summary: 'Push alerts: one record a line (EVE JSON or CEF), at most 1 MiB.',
    body: z.string().max(1_048_576),
    answer: z.object({ accepted: z.number().int(), ignored: z.number().int(), rejected: z.array(z.object({ line: z.number().int(), reason: z.string() })) }),
  },
})
