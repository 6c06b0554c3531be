// Makes the first administrator of a server on a public address through the screens, and signs in.
// Arguments: server URL, one-time secret, path of Chromium, folder for the pictures.
import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { chromium } from 'playwright-core'

const [url, secret, executablePath, shots] = process.argv.slice(2)
await mkdir(shots, { recursive: true })
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run'] })
const page = await browser.newPage({ viewport: { width: 900, height: 700 } })
page.setDefaultTimeout(180_000) // as `PATIENCE` of e2e/harness.py
await page.goto(`${url}/ui/default`)
await page.getByRole('heading', { name: 'Sign in to Tidemill' }).waitFor()
await page.getByRole('button', { name: 'Use the one-time secret' }).click()
await page.getByLabel('One-time secret').fill('wrong')
await page.getByLabel('User name').fill('ada')
await page.getByLabel('Password', { exact: false }).first().fill('a long enough password')
await page.getByRole('button', { name: 'Create and sign in' }).click()
await page.getByText('The one-time secret is not valid').waitFor()
await page.screenshot({ path: `${shots}/sign-in.png` })
await page.getByLabel('One-time secret').fill(secret)
await page.getByRole('button', { name: 'Create and sign in' }).click()
await page.getByText('Served models').waitFor()
await page.reload()
await page.getByText('Served models').waitFor()
assert.equal((await page.context().cookies())[0].httpOnly, true)
await browser.close()
