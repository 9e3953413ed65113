/**
 * The identity fields of a persona: what an attacker who knows one installation could look for in another. Two installations share no value of any
 * of them; a field that the real product itself fixes (a vendor's OUI, a distribution's system accounts) is not an identity field.
 */

/** `seen` says where an attacker reads it; `from` says whether `personaIdentity` lists it or it is taken from what the service answers. */
export const identityFields = [
  { name: 'ssh.hostKey', from: 'persona', seen: 'SSH key exchange: public host keys of every type' },
  { name: 'certificate.key', from: 'persona', seen: 'TLS certificate: subject public key' },
  { name: 'certificate.subject', from: 'persona', seen: 'TLS certificate: subject and alternative names' },
  { name: 'certificate.serial', from: 'persona', seen: 'TLS certificate: serial number' },
  { name: 'host.name', from: 'persona', seen: 'prompt, uname, /etc/hostname' },
  { name: 'host.mac', from: 'persona', seen: 'ARP, ip link, ifconfig' },
  { name: 'host.serial', from: 'persona', seen: 'DMI, device pages' },
  { name: 'host.machineId', from: 'persona', seen: '/etc/machine-id' },
  { name: 'host.installed', from: 'persona', seen: 'file times, uptime' },
  { name: 'host.people', from: 'persona', seen: '/etc/passwd, home folders' },
  { name: 'web.cookie', from: 'wire', seen: 'Set-Cookie: names and values' },
  { name: 'web.etag', from: 'wire', seen: 'ETag of static files' },
  { name: 'web.assetName', from: 'wire', seen: 'file names of scripts, styles and pictures in pages' },
  { name: 'web.assetHash', from: 'wire', seen: 'SHA-256 of scripts, styles and pictures' },
  { name: 'web.favicon', from: 'wire', seen: 'hash of /favicon.ico' },
  { name: 'web.pageId', from: 'wire', seen: 'ids, tokens and numbers in pages' },
] as const satisfies readonly { name: string; from: 'persona' | 'wire'; seen: string }[]
export type IdentityField = (typeof identityFields)[number]['name']
