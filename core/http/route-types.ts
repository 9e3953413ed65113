/** Types of the functions behind the routes, from the contract's table. */
import type { RouteAnswer, RouteName, Routes } from '@shenlou/contract/api'
import type { z } from 'zod'
import type { Actor } from '../actor.ts'
import type { Exchange } from '../auth/exchange.ts'
import type { Core } from '../core.ts'

/** Names in a path: `{ id: string }` for `/sessions/:id/events`. */
export type PathParams<P extends string> = P extends `${string}:${infer Name}/${infer Rest}`
  ? { [K in Name]: string } & PathParams<Rest>
  : P extends `${string}:${infer Name}`
    ? { [K in Name]: string }
    : unknown

type Parsed<N extends RouteName, K extends string> = Routes[N] extends { [key in K]: infer S extends z.ZodType } ? z.output<S> : undefined

export interface RouteInput<N extends RouteName> {
  params: PathParams<Routes[N]['path']>
  query: Parsed<N, 'query'>
  body: Parsed<N, 'body'>
  /** Address of the caller. */
  address: string
}

export type Handler<N extends RouteName> = (core: Core, actor: Actor, input: RouteInput<N>, exchange: Exchange) => Promise<RouteAnswer<N>>
export type Handlers = { [N in RouteName]: Handler<N> }
