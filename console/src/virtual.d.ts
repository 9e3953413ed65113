declare module 'virtual:routes' {
  const table: Record<import('@shenlou/contract/api').RouteName, [method: string, path: string]>
  export default table
}
