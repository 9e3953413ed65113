/** What the console's browser tests share: one Chromium, the built console, a mock to each test, waits on conditions. */
import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { buildConsole } from '../build.ts'
import { startBrowser, type Watched, watchedPage } from './browser.ts'
import { incidents, tickets } from './cases.ts'
import { type Mock, type MockOptions, startMock } from './mock.ts'
import { events, sensors, sessions } from './records.ts'

let browser: Browser | undefined

/** Builds the console and starts Chromium before this file's tests, and ends it after them. */
export function useBrowser(): void {
  before(async () => {
    await buildConsole({ log: () => {} })
    browser = await startBrowser()
  })
  after(() => browser?.close())
}

export type Visit = Watched & { mock: Mock; open(path: string): Promise<void> }
type Options = MockOptions & { width?: number; locale?: string; dark?: boolean; allow?: RegExp }

/** Runs a test on a page of its own against a mock of its own. Fails when the page complained of anything that `allow` does not match. */
export async function visit(options: Options, run: (visit: Visit) => Promise<void>): Promise<void> {
  assert.ok(browser, 'call useBrowser() first')
  const { width, locale, dark, allow, ...rest } = options
  const mock = await startMock(rest)
  try {
    const watched = await watchedPage(browser, mock.url, {
      ...(width ? { width } : {}),
      ...(locale ? { locale } : {}),
      ...(dark ? { dark } : {}),
      ...(allow ? { allow } : {}),
    })
    try {
      await run({ ...watched, mock, open: async (path) => void (await watched.page.goto(mock.url + path)) })
      assert.deepEqual(watched.complaints, [])
    } finally {
      await watched.context.close()
    }
  } finally {
    await mock.close()
  }
}

/** Waits until a condition outside of the page holds. */
export async function until(what: () => boolean, name: string): Promise<void> {
  for (const end = Date.now() + 10_000; !what(); await new Promise((resolve) => setTimeout(resolve, 25))) assert.ok(Date.now() < end, `never: ${name}`)
}

/** Every page of the console, with records of the mock. */
export const pages: string[] = [
  '/overview',
  '/sessions',
  `/sessions/${sessions[0]?.id}`,
  `/sessions/${sessions[1]?.id}`,
  `/sessions/${sessions[5]?.id}`,
  `/sessions/${sessions[6]?.id}`,
  '/events',
  `/events?open=${events.at(-1)?.id}&source=203.0.113.39`,
  '/events?view=rejected',
  '/incidents',
  '/incidents?view=findings',
  `/incidents/${incidents[0]?.id}`,
  '/tickets',
  `/tickets/${tickets[0]?.id}`,
  '/sensors',
  `/sensors?open=${sensors.relay}`,
  '/sensors?tab=groups',
  '/sensors?tab=sources',
  '/sensors?tab=scanners',
  '/decoys',
  '/coverage',
  '/coverage?segment=production&state=claimed',
  '/coverage?segment=yard&from=10.40.3.1',
  '/templates',
  '/settings',
  '/settings?tab=people',
  '/settings?tab=tokens',
  '/settings?tab=updates',
  '/settings?tab=delay',
  '/settings?tab=audit',
  '/notices',
  '/nowhere',
]

/** Whether nothing runs off the side of the screen. */
export const fitsWidth = (page: Page): Promise<boolean> =>
  page.evaluate(() => {
    const main = document.querySelector('main')
    return document.documentElement.scrollWidth <= innerWidth && (main === null || main.scrollWidth <= main.clientWidth)
  })
