/** The part of nodes7 that the tests use; it brings no types. */
declare module 'nodes7' {
  export default class NodeS7 {
    constructor(options?: { silent?: boolean })
    initiateConnection(options: { host: string; port: number; rack: number; slot: number; timeout?: number }, done: (error?: unknown) => void): void
    setTranslationCB(translate: (name: string) => string | undefined): void
    addItems(names: string[]): void
    readAllItems(done: (bad: boolean, values: Record<string, unknown>) => void): void
    writeItems(name: string, value: unknown, done: (bad: boolean) => void): void
    dropConnection(done: () => void): void
  }
}
