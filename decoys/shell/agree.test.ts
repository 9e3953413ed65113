/** What the commands say of the host agrees: with each other, with the files, and with the connection that asks. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { packagesOf } from '../world/packages.ts'
import { LineReader, textInput } from './io.ts'
import { Shell } from './shell.ts'
import { testSeat } from './test-seat.ts'

function open(persona: string) {
  const { seat, events } = testSeat(persona, { terminal: true })
  const shell = new Shell(seat, { login: true })
  const run = async (text: string): Promise<string> => {
    let out = ''
    const write = (piece: string): void => {
      out += piece
    }
    await shell.execute(text, { input: new LineReader(textInput('')), out: write, err: write, toTerminal: false })
    return out.trim()
  }
  return { seat, shell, events, run }
}

for (const persona of ['centos-7', 'ubuntu-18.04', 'openwrt-19.07', 'debian-12-dropbear']) {
  describe(`${persona} agrees with itself`, () => {
    const { seat, run } = open(persona)
    const router = persona.startsWith('openwrt')
    const same = async (...commands: string[]): Promise<void> => {
      const [first, ...rest] = await Promise.all(commands.map(run))
      assert.ok(first, `${commands[0]} says something`)
      for (const [i, other] of rest.entries()) assert.equal(other, first, `${commands[0]} and ${commands[i + 1]}`)
    }
    test('the host name', () =>
      same(
        'cat /proc/sys/kernel/hostname',
        'uname -n',
        ...(router ? ['uci get system.@system[0].hostname | grep -o "hostname=.*" | cut -d"\'" -f2'] : ['hostname', 'cat /etc/hostname']),
      ))
    test('the kernel', () =>
      same('uname -r', 'cat /proc/sys/kernel/osrelease', "awk '{print $3}' /proc/version", "dmesg | grep -o 'Linux version [^ ]*' | head -1 | cut -d' ' -f3"))
    test('the memory', () => same("free | awk '/^Mem/{print $2}'", "awk '/MemTotal/{print $2}' /proc/meminfo"))
    test('the processors', () => same('grep -c ^processor /proc/cpuinfo', ...(router ? [] : ['nproc', "lscpu | awk '/^CPU\\(s\\)/{print $2}'"])))
    test('the own address, in every place', async () => {
      assert.equal(await run('echo $SSH_CLIENT'), '192.0.2.7 4444 22')
      assert.match(await run('netstat -tn'), /10\.9\.8\.7:22\s+192\.0\.2\.7:4444\s+ESTABLISHED/)
      if (router) return
      assert.match(await run('ss -tn'), /10\.9\.8\.7:22\s+192\.0\.2\.7:4444/)
      for (const command of ['who', 'w', 'last | head -1']) assert.match(await run(command), /192\.0\.2\.7/, command)
      const log = seat.world.host.apt ? '/var/log/auth.log' : '/var/log/secure'
      assert.match(await run(`tail -2 ${log}`), /from 192\.0\.2\.7(?: port |:)4444/)
      assert.match(await run('journalctl -n 5'), /192\.0\.2\.7/)
    })
    test('the address of the host', () =>
      same("ifconfig | grep -o '10\\.9\\.8\\.7' | head -1", "ip a | grep -o 'inet 10[0-9.]*' | cut -d' ' -f2", 'echo $SSH_CONNECTION | cut -d" " -f3'))
    test('the hardware address', () =>
      same(
        "ip link | awk '/ether/{print $2}'",
        `cat /sys/class/net/${seat.world.host.interfaceName}/address`,
        "ifconfig | grep -oiE '([0-9a-f]{2}:){5}[0-9a-f]{2}' | head -1 | tr A-F a-f",
      ))
    test('the own processes form a tree to the server', async () => {
      const all = seat.world.processes.all(Date.now())
      const shell = all.find((p) => p.pid === seat.login.pid + 2)
      assert.ok(shell)
      let at = shell
      for (let steps = 0; at.pid !== 1; steps++) {
        const parent = all.find((p) => p.pid === at.ppid)
        assert.ok(parent && steps < 10, `${at.command} has a parent`)
        at = parent
      }
      assert.match(await run('ps aux 2>/dev/null || ps'), new RegExp(`\\b${shell.pid}\\b`))
      assert.equal(await run('echo $$'), String(shell.pid))
    })
    test('a job is seen by ps, and ends when it is killed', async () => {
      const out = await run(
        'sleep 300 & p=$!; ps | grep -c "[s]leep 300"; ps aux | grep "[s]leep 300" | grep -c " $p "; kill $p; wait $p 2>/dev/null; ps aux | grep -c "[s]leep 300"',
      )
      const [, seen, after] = out.split('\n')
      assert.equal(Number(seen), 1)
      assert.equal(after, '0')
    })
    test('users of processes and files are users of the host', async () => {
      const names = new Set((await run('cut -d: -f1 /etc/passwd')).split('\n'))
      for (const p of seat.world.processes.all(Date.now())) assert.ok(names.has(p.user), `${p.user} of ${p.command}`)
    })
    test('sockets belong to processes that run', async () => {
      const pids = new Set(seat.world.processes.all(Date.now()).map((p) => p.pid))
      for (const line of (await run('netstat -tlnp')).split('\n').slice(2)) {
        const pid = Number(/(\d+)\/\S+/.exec(line)?.[1])
        assert.ok(pids.has(pid), line)
      }
    })
    test('a mounted file system is in df, mount and /proc/mounts', async () => {
      const mounts = await run('cat /proc/mounts')
      for (const line of (await run('df')).split('\n').slice(1)) assert.ok(mounts.includes(` ${line.split(/\s+/).at(-1)} `), line)
    })
    test('every process of ps has its folder in /proc, and says the same there', async () => {
      const all = seat.world.processes.all(Date.now())
      const folders = (await run('ls /proc')).split('\n').filter((name) => /^\d+$/.test(name))
      for (const p of all) {
        assert.ok(folders.includes(String(p.pid)), `${p.command} has no folder`)
        const text = await run(`awk '/^(Pid|PPid|Uid):/{print $2}' /proc/${p.pid}/status | tr '\\n' ' '; cut -d' ' -f1,4 /proc/${p.pid}/stat`)
        assert.equal(text, `${p.pid} ${p.ppid} ${p.uid} ${p.pid} ${p.ppid}`)
        const exe = seat.world.files.stat(`/proc/${p.pid}/exe`, false)
        if (p.command.startsWith('[')) assert.equal(exe, undefined)
        else assert.ok(exe?.target?.startsWith('/'), p.command)
      }
    })
    test('packages own files that are there, and name the programs that serve', async () => {
      const list = packagesOf(seat.world.host)
      for (const { name, files } of list) for (const file of files) assert.ok(seat.world.files.stat(file, false), `${file} of ${name}`)
      const ask = router ? 'opkg list-installed' : seat.world.host.apt ? 'dpkg -l' : 'rpm -qa'
      const said = await run(ask)
      for (const { name } of list) assert.ok(said.includes(name), name)
      const server = seat.world.persona.template.ssh?.server === 'dropbear' ? '/usr/sbin/dropbear' : '/usr/sbin/sshd'
      const owner = await run(`${router ? 'opkg search' : seat.world.host.apt ? 'dpkg -S' : 'rpm -qf'} ${server}`)
      assert.match(owner, server.endsWith('dropbear') ? /^dropbear/ : /^openssh-server/)
    })
    test('the time of the boot', async () => {
      const boot = Math.floor(seat.world.persona.bootedAt / 1000)
      assert.equal(await run("awk '/^btime/{print $2}' /proc/stat"), String(boot))
      const up = Number((await run('cut -d. -f1 /proc/uptime')).trim())
      assert.ok(Math.abs(Date.now() / 1000 - up - boot) < 3)
      if (router) return
      const since = await run('uptime -s')
      assert.equal(await run("who -b | awk '{print $3, $4}'"), since.slice(0, 16))
      assert.equal(await run("last reboot | awk '/^reboot/{print $8}'"), since.slice(11, 16))
      const log = seat.world.host.apt ? '/var/log/syslog' : '/var/log/messages'
      const first = await run(`head -1 ${log}`)
      assert.match(first, /kernel: \[ +0\.0+\] /)
      assert.ok(first.includes(since.slice(11, 16)), first)
      assert.match(await run('journalctl -k | tail -n +1 | head -3'), / kernel: Linux version | kernel: Command line| kernel: Initializing/)
    })
    test('the neighbour that leads outside', () =>
      same("awk 'NR==2{print $4}' /proc/net/arp", "ip neigh | awk '{print $5}'", ...(router ? [] : ["arp -n | awk 'NR==2{print $3}'"])))
    test('units that run are processes', async () => {
      if (router) return
      const units = (await run('systemctl list-units')).split('\n').slice(1)
      assert.ok(units.length > 4)
      for (const line of units) {
        const name = line.trim().split(/\s+/)[0] as string
        const pid = Number(/Main PID: (\d+)/.exec(await run(`systemctl status ${name}`))?.[1])
        assert.ok(
          seat.world.processes.all(Date.now()).some((p) => p.pid === pid),
          name,
        )
      }
    })
    test('a file that is written is seen by every command', async () => {
      const out = await run('echo hello > /tmp/n; cat /tmp/n; wc -c < /tmp/n; find /tmp -name n; ls /tmp | grep -x n; grep -l hello /tmp/n*')
      assert.equal(out, 'hello\n6\n/tmp/n\nn\n/tmp/n')
    })
  })
}
