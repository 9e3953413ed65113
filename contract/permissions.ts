/** Named permissions, and the three roles as sets of them. */
export const permissions = [
  'session.read',
  'event.read',
  'incident.read',
  'incident.change',
  'ticket.read',
  'ticket.work',
  'ticket.close',
  'sensor.read',
  'sensor.manage',
  'segment.release',
  'delay.manage',
  'template.read',
  'template.apply',
  'source.push',
  'source.manage',
  'user.manage',
  'token.manage',
  'audit.read',
  'blob.read',
] as const
export type Permission = (typeof permissions)[number]

const reading: Permission[] = ['session.read', 'event.read', 'incident.read', 'ticket.read', 'sensor.read', 'template.read']

export const roles: Record<'administrator' | 'analyst' | 'viewer', { name: { zh: string; en: string }; permissions: readonly Permission[] }> = {
  administrator: { name: { zh: '管理员', en: 'Administrator' }, permissions },
  analyst: {
    name: { zh: '分析员', en: 'Analyst' },
    permissions: [...reading, 'incident.change', 'ticket.work', 'ticket.close', 'blob.read', 'segment.release', 'delay.manage'],
  },
  viewer: { name: { zh: '只读', en: 'Viewer' }, permissions: reading },
}
export type Role = keyof typeof roles
