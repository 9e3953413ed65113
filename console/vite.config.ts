import { fileURLToPath } from 'node:url'
import { paraglideVitePlugin } from '@inlang/paraglide-js'
import { svelte } from '@sveltejs/vite-plugin-svelte'
import tailwindcss from '@tailwindcss/vite'
import { defineConfig } from 'vite'

/** The console's build: no inlined assets (the policy allows no data: fonts), no inline script, one file per page. */
export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  plugins: [
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
