import { fileURLToPath } from 'node:url'
import { paraglideVitePlugin } from '@inlang/paraglide-js'
import { svelte } from '@sveltejs/vite-plugin-svelte'
import tailwindcss from '@tailwindcss/vite'
import { defineConfig, type Plugin } from 'vite'
import { routes } from '../contract/api.ts'

const routeModule = 'virtual:routes'

/** Gives the browser method and path of each route of the contract, without the schemas behind them. */
const routeTable: Plugin = {
  name: 'shenlou-routes',
  resolveId: (id) => (id === routeModule ? `\0${routeModule}` : undefined),
  load: (id) => {
    if (id !== `\0${routeModule}`) return
    const table = Object.fromEntries(Object.entries(routes).map(([name, route]) => [name, [route.method, route.path]]))
    return `export default ${JSON.stringify(table)}`
  },
}

/** The console's build: no inlined assets (the policy allows no `data:` font), no inline script, one file per page. */
export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  plugins: [
    routeTable,
    paraglideVitePlugin({
      project: './project.inlang',
      outdir: './src/paraglide',
      strategy: ['globalVariable', 'baseLocale'],
      outputStructure: 'locale-modules',
      emitGitIgnore: false,
    }),
    tailwindcss(),
    svelte(),
  ],
  build: { target: 'es2023', assetsInlineLimit: 0, modulePreload: { polyfill: false }, chunkSizeWarningLimit: 600, sourcemap: false },
  server: { host: '127.0.0.1', proxy: { '/api': { target: process.env.SHENLOU_API ?? 'http://127.0.0.1:8480', ws: true } } },
})
