/** Keys of PostgreSQL's advisory locks, in one place so that no two uses share one. */
export const lockKeys = { migrate: 5_320_117, ingest: 5_320_118, apply: 5_320_119, incidents: 5_320_120, delays: 5_320_121 } as const
