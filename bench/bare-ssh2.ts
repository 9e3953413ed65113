/** The raw limit of SSH on Node: a server of the library alone, that records nothing and has no shell. Prints its port. */
import type { AddressInfo, Socket } from 'node:net'
import ssh2 from 'ssh2'

const { private: key } = ssh2.utils.generateKeyPairSync('ed25519')
const server = new ssh2.Server({ hostKeys: [key] }, (client) => {
  // Without it every session stands still for 44 ms five times.
  ;(client as unknown as { _sock: Socket })._sock.setNoDelay(true)
  client.on('error', () => undefined)
  client.on('authentication', (context) => (context.method === 'password' && context.password === 'right' ? context.accept() : context.reject(['password'])))
  client.on('session', (accept) => {
    const session = accept()
    session.on('pty', (take) => take?.())
    session.on('exec', (take) => {
      const channel = take()
      channel.write('Linux bare 5.15.0 x86_64 GNU/Linux\n')
      channel.exit(0)
      channel.end()
    })
    session.on('shell', (take) => {
      const channel = take()
      channel.write('# ')
      channel.on('data', (bytes: Buffer) => channel.write(bytes.includes(13) ? '\r\n# ' : bytes))
    })
  })
})
server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port))
