/** A Chromium for the console's tests: what it refused, asked for and complained of is kept. */

import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { chromium } from 'playwright-core'

export type Watched = { page: Page; context: BrowserContext; complaints: string[] }

/** Starts the system's Chromium. Throws one clear sentence when there is none. */
export async function startBrowser(): Promise<Browser> {
  const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'] }).catch((error: Error) => {
    throw new Error(`Chromium did not start from ${executablePath}: install the Debian package chromium or set CHROMIUM. ${error.message.split('\n')[0]}`)
  })
}

/** Opens a page whose every complaint, refusal of the policy and request to elsewhere is written down. */
export async function watchedPage(
  browser: Browser,
  origin: string,
  options: { width?: number; locale?: string; dark?: boolean; allow?: RegExp } = {},
): Promise<Watched> {
  const context = await browser.newContext({
    viewport: { width: options.width ?? 1440, height: 900 },
    locale: options.locale ?? 'en-GB',
    colorScheme: options.dark ? 'dark' : 'light',
    reducedMotion: 'reduce',
  })
  const page = await context.newPage()
  const complaints: string[] = []
  const note = (text: string): void => {
    if (!options.allow?.test(text)) complaints.push(text)
  }
  page.on('console', (message) => message.type() === 'error' && note(`console: ${message.text()}`))
  page.on('pageerror', (error) => note(`error: ${error.message}`))
  page.on('dialog', (dialog) => {
    note(`dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  page.on('popup', () => note('a window was opened'))
  page.on('request', (request) => {
    const url = new URL(request.url())
    if (url.origin !== origin && url.protocol !== 'ws:') note(`request elsewhere: ${request.url()}`)
    if (url.protocol === 'ws:' && url.host !== new URL(origin).host) note(`socket elsewhere: ${request.url()}`)
  })
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => console.error(`policy refused ${event.violatedDirective} ${event.blockedURI}`))
  })
  return { page, context, complaints }
}

/** Waits until the page shows its content: a heading, nothing loading. */
export async function settled(page: Page): Promise<void> {
  await page.waitForFunction(() => document.querySelector('#main h1') !== null && document.querySelector('main [aria-busy="true"]') === null)
}

const axeFile = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

/** Violations that axe finds on the page as it is, one line each. */
export async function violations(page: Page): Promise<string[]> {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(await readFile(axeFile, 'utf8'))
  return page.evaluate(async () => {
    type Result = { violations: { id: string; help: string; nodes: { html: string; failureSummary: string }[] }[] }
    const { axe } = window as unknown as { axe: { run(options: object): Promise<Result> } }
    const result = await axe.run({ resultTypes: ['violations'] })
    return result.violations.flatMap((violation) =>
      violation.nodes.slice(0, 3).map((node) => `${violation.id}: ${node.html.slice(0, 200)} (${node.failureSummary.split('\n')[1]?.trim().slice(0, 200)})`),
    )
  })
}
