/**
 * The ATT&CK techniques that our rules name; those of the ICS matrix, all of them, are in techniques-ics.ts. Ids and names are from MITRE ATT&CK:
 * © 2025 The MITRE Corporation. This work is reproduced and distributed with the permission of The MITRE Corporation.
 * (ATT&CK terms of use: https://attack.mitre.org/resources/legal-and-branding/terms-of-use/)
 */
import { icsTechniques } from './techniques-ics.ts'

export interface Technique {
  id: string
  name: string
  /** In Chinese, where it has a name of ours. */
  zh?: string
  matrix: 'enterprise' | 'ics'
}

const table: readonly (readonly [id: string, name: string, matrix: Technique['matrix']])[] = [
  ['T1003.008', 'OS Credential Dumping: /etc/passwd and /etc/shadow', 'enterprise'],
  ['T1005', 'Data from Local System', 'enterprise'],
  ['T1007', 'System Service Discovery', 'enterprise'],
  ['T1016', 'System Network Configuration Discovery', 'enterprise'],
  ['T1018', 'Remote System Discovery', 'enterprise'],
  ['T1021.001', 'Remote Services: Remote Desktop Protocol', 'enterprise'],
  ['T1021.002', 'Remote Services: SMB/Windows Admin Shares', 'enterprise'],
  ['T1021.004', 'Remote Services: SSH', 'enterprise'],
  ['T1033', 'System Owner/User Discovery', 'enterprise'],
  ['T1037.004', 'Boot or Logon Initialization Scripts: RC Scripts', 'enterprise'],
  ['T1046', 'Network Service Discovery', 'enterprise'],
  ['T1049', 'System Network Connections Discovery', 'enterprise'],
  ['T1053.003', 'Scheduled Task/Job: Cron', 'enterprise'],
  ['T1057', 'Process Discovery', 'enterprise'],
  ['T1059.004', 'Command and Scripting Interpreter: Unix Shell', 'enterprise'],
  ['T1059.006', 'Command and Scripting Interpreter: Python', 'enterprise'],
  ['T1070.002', 'Indicator Removal: Clear Linux or Mac System Logs', 'enterprise'],
  ['T1070.003', 'Indicator Removal: Clear Command History', 'enterprise'],
  ['T1078', 'Valid Accounts', 'enterprise'],
  ['T1082', 'System Information Discovery', 'enterprise'],
  ['T1083', 'File and Directory Discovery', 'enterprise'],
  ['T1087.001', 'Account Discovery: Local Account', 'enterprise'],
  ['T1090', 'Proxy', 'enterprise'],
  ['T1098', 'Account Manipulation', 'enterprise'],
  ['T1098.004', 'Account Manipulation: SSH Authorized Keys', 'enterprise'],
  ['T1105', 'Ingress Tool Transfer', 'enterprise'],
  ['T1110.001', 'Brute Force: Password Guessing', 'enterprise'],
  ['T1110.003', 'Brute Force: Password Spraying', 'enterprise'],
  ['T1110.004', 'Brute Force: Credential Stuffing', 'enterprise'],
  ['T1136.001', 'Create Account: Local Account', 'enterprise'],
  ['T1140', 'Deobfuscate/Decode Files or Information', 'enterprise'],
  ['T1187', 'Forced Authentication', 'enterprise'],
  ['T1190', 'Exploit Public-Facing Application', 'enterprise'],
  ['T1210', 'Exploitation of Remote Services', 'enterprise'],
  ['T1222.002', 'File and Directory Permissions Modification: Linux and Mac File and Directory Permissions Modification', 'enterprise'],
  ['T1485', 'Data Destruction', 'enterprise'],
  ['T1496.001', 'Resource Hijacking: Compute Hijacking', 'enterprise'],
  ['T1497.001', 'Virtualization/Sandbox Evasion: System Checks', 'enterprise'],
  ['T1505.003', 'Server Software Component: Web Shell', 'enterprise'],
  ['T1518', 'Software Discovery', 'enterprise'],
  ['T1543.002', 'Create or Modify System Process: Systemd Service', 'enterprise'],
  ['T1546.004', 'Event Triggered Execution: Unix Shell Configuration Modification', 'enterprise'],
  ['T1552.001', 'Unsecured Credentials: Credentials In Files', 'enterprise'],
  ['T1552.003', 'Unsecured Credentials: Shell History', 'enterprise'],
  ['T1552.004', 'Unsecured Credentials: Private Keys', 'enterprise'],
  ['T1557.002', 'Adversary-in-the-Middle: ARP Cache Poisoning', 'enterprise'],
  ['T1562.001', 'Impair Defenses: Disable or Modify Tools', 'enterprise'],
  ['T1562.004', 'Impair Defenses: Disable or Modify System Firewall', 'enterprise'],
  ['T1563.001', 'Remote Service Session Hijacking: SSH Hijacking', 'enterprise'],
  ['T1649', 'Steal or Forge Authentication Certificates', 'enterprise'],
  ['T1572', 'Protocol Tunneling', 'enterprise'],
  ['T1574.006', 'Hijack Execution Flow: Dynamic Linker Hijacking', 'enterprise'],
  ['T1595.002', 'Active Scanning: Vulnerability Scanning', 'enterprise'],
  ['T1595.003', 'Active Scanning: Wordlist Scanning', 'enterprise'],
  ['T1610', 'Deploy Container', 'enterprise'],
]

const byId: ReadonlyMap<string, Technique> = new Map<string, Technique>([
  ...table.map(([id, name, matrix]) => [id, { id, name, matrix }] as const),
  ...icsTechniques.map(([id, name, zh]) => [id, { id, name, zh, matrix: 'ics' }] as const),
])

/** The technique of that id. One that another tool names and we do not know keeps its id as its name; ids of ICS begin with T0. */
export const techniqueNamed = (id: string): Technique => byId.get(id) ?? { id, name: id, matrix: id.startsWith('T0') ? 'ics' : 'enterprise' }

export const isKnownTechnique = (id: string): boolean => byId.has(id)
