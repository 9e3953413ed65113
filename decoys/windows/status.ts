/** NTSTATUS values that the Windows services answer with ([MS-ERREF] section 2.3.1). */
export const status = {
  ok: 0,
  moreProcessing: 0xc000_0016,
  notImplemented: 0xc000_0002,
  invalidHandle: 0xc000_0008,
  invalidParameter: 0xc000_000d,
  accessDenied: 0xc000_0022,
  logonFailure: 0xc000_006d,
  notSupported: 0xc000_00bb,
  badNetworkName: 0xc000_00cc,
  requestNotAccepted: 0xc000_00d0,
  fileClosed: 0xc000_0128,
  logonTypeNotGranted: 0xc000_015b,
  userSessionDeleted: 0xc000_0203,
  networkNameDeleted: 0xc000_00c9,
  /** Of SMB1 alone. */
  smbBadCommand: 0x0016_0002,
  smbBadUid: 0x005b_0002,
  smbBadTid: 0x0005_0002,
} as const
