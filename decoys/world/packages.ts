/** Packages of each flavour that an adversary asks about: name, version as the package manager prints it, and the programs they brought. */
import type { Host } from './host.ts'

export interface Package {
  name: string
  /** As rpm (`version-release`), dpkg or opkg print it. */
  version: string
  text: string
  /** Paths on the pristine host that are its own. */
  files: readonly string[]
}

type Row = readonly [name: string, version: string, text: string, ...files: string[]]

const centos: Row[] = [
  ['centos-release', '7-9.2009.0.el7.centos', 'CentOS Linux release file', '/etc/centos-release', '/etc/os-release'],
  ['bash', '4.2.46-34.el7', 'The GNU Bourne Again shell', '/usr/bin/bash', '/usr/bin/sh'],
  ['coreutils', '8.22-24.el7', 'A set of basic GNU tools commonly used in shell scripts', '/usr/bin/ls', '/usr/bin/cat', '/usr/bin/rm', '/usr/bin/chmod'],
  ['glibc', '2.17-317.el7', 'The GNU libc libraries', '/usr/lib64/libc-2.17.so', '/usr/lib64/ld-2.17.so'],
  ['openssh', '7.4p1-21.el7', 'An open source implementation of SSH protocol version 2', '/etc/ssh/moduli', '/usr/bin/ssh-keygen'],
  ['openssh-server', '7.4p1-21.el7', 'An open source SSH server daemon', '/usr/sbin/sshd', '/etc/ssh/sshd_config', '/usr/libexec/openssh/sftp-server'],
  ['openssh-clients', '7.4p1-21.el7', 'An open source SSH client applications', '/usr/bin/ssh', '/usr/bin/scp', '/etc/ssh/ssh_config'],
  ['openssl', '1:1.0.2k-19.el7', 'Utilities from the general purpose cryptography library', '/usr/bin/openssl'],
  ['openssl-libs', '1:1.0.2k-19.el7', 'A general purpose cryptography library', '/usr/lib64/libcrypto.so.1.0.2k'],
  ['kernel', '3.10.0-1160.el7', 'The Linux kernel', '/boot/vmlinuz-3.10.0-1160.el7.x86_64', '/boot/config-3.10.0-1160.el7.x86_64'],
  ['systemd', '219-78.el7', 'A System and Service Manager', '/usr/bin/systemctl', '/usr/bin/journalctl'],
  ['cronie', '1.4.11-23.el7', 'Cron daemon for executing programs at set times', '/usr/sbin/crond', '/usr/bin/crontab'],
  ['procps-ng', '3.3.10-28.el7', 'System and process monitoring utilities', '/usr/bin/ps', '/usr/bin/top', '/usr/bin/free', '/usr/bin/pkill'],
  ['util-linux', '2.23.2-65.el7', 'A collection of basic system utilities', '/usr/bin/mount', '/usr/bin/dmesg', '/usr/bin/lscpu'],
  ['iproute', '4.11.0-30.el7', 'Advanced IP routing and network device configuration tools', '/usr/sbin/ip', '/usr/sbin/ss'],
  ['net-tools', '2.0-0.25.20131004git.el7', 'Basic networking tools', '/usr/sbin/ifconfig', '/usr/bin/netstat', '/usr/sbin/route'],
  ['iptables', '1.4.21-35.el7', 'Tools for managing Linux kernel packet filtering capabilities', '/usr/sbin/iptables', '/usr/sbin/iptables-save'],
  ['curl', '7.29.0-59.el7', 'A utility for getting files from remote servers', '/usr/bin/curl'],
  ['wget', '1.14-18.el7_6.1', 'A utility for retrieving files using the HTTP or FTP protocols', '/usr/bin/wget'],
  ['sudo', '1.8.23-10.el7', 'Allows restricted root access for specified users', '/usr/bin/sudo', '/etc/sudoers'],
  ['gawk', '4.0.2-4.el7_3.1', 'The GNU version of the awk text processing utility', '/usr/bin/gawk', '/usr/bin/awk'],
  ['sed', '4.2.2-7.el7', 'A GNU stream text editor', '/usr/bin/sed'],
  ['grep', '2.20-3.el7', 'Pattern matching utilities', '/usr/bin/grep'],
  ['tar', '2:1.26-35.el7', 'A GNU file archiving program', '/usr/bin/tar'],
  ['python', '2.7.5-89.el7', 'An interpreted, interactive, object-oriented programming language', '/usr/bin/python2.7'],
  ['perl', '4:5.16.3-297.el7', 'Practical Extraction and Report Language', '/usr/bin/perl'],
  ['rpm', '4.11.3-45.el7', 'The RPM package management system', '/usr/bin/rpm'],
  ['yum', '3.4.3-168.el7.centos', 'RPM package installer/updater/manager', '/usr/bin/yum'],
  ['chrony', '3.4-1.el7', 'An NTP client/server'],
  ['rsyslog', '8.24.0-55.el7', 'Enhanced system logging and kernel message trapping daemon'],
  ['postfix', '2:2.10.1-9.el7', 'Postfix Mail Transport Agent'],
  ['tuned', '2.11.0-9.el7', 'A dynamic adaptive system tuning daemon'],
  ['audit', '2.8.5-4.el7', 'User space tools for 2.6 kernel auditing'],
  ['polkit', '0.112-26.el7', 'An authorization framework'],
]
const ubuntu: Row[] = [
  ['bash', '4.4.18-2ubuntu1.2', 'GNU Bourne Again SHell', '/bin/bash'],
  ['coreutils', '8.28-1ubuntu1', 'GNU core utilities', '/bin/ls', '/bin/cat', '/bin/rm', '/bin/chmod'],
  ['dash', '0.5.8-2.10', 'POSIX-compliant shell', '/bin/dash', '/bin/sh'],
  ['libc6', '2.27-3ubuntu1.4', 'GNU C Library: Shared libraries', '/lib/x86_64-linux-gnu/libc-2.27.so'],
  ['openssh-server', '1:7.6p1-4ubuntu0.7', 'secure shell (SSH) server, for secure access from remote machines', '/usr/sbin/sshd'],
  [
    'openssh-client',
    '1:7.6p1-4ubuntu0.7',
    'secure shell (SSH) client, for secure access to remote machines',
    '/usr/bin/ssh',
    '/usr/bin/scp',
    '/usr/bin/ssh-keygen',
  ],
  ['openssh-sftp-server', '1:7.6p1-4ubuntu0.7', 'secure shell (SSH) sftp server module, for SFTP access from remote machines', '/usr/lib/openssh/sftp-server'],
  ['openssl', '1.1.1-1ubuntu2.1~18.04.23', 'Secure Sockets Layer toolkit - cryptographic utility', '/usr/bin/openssl'],
  ['linux-image-4.15.0-147-generic', '4.15.0-147.151', 'Signed kernel image generic', '/boot/vmlinuz-4.15.0-147-generic'],
  ['systemd', '237-3ubuntu10.57', 'system and service manager', '/bin/systemctl', '/bin/journalctl'],
  ['cron', '3.0pl1-128.1ubuntu1', 'process scheduling daemon', '/usr/sbin/cron', '/usr/bin/crontab'],
  ['procps', '2:3.3.12-3ubuntu1.2', '/proc file system utilities', '/bin/ps', '/usr/bin/top', '/usr/bin/free'],
  ['iproute2', '4.15.0-2ubuntu1.3', 'networking and traffic control tools', '/sbin/ip', '/bin/ss'],
  ['net-tools', '1.60+git20161116.90da8a0-1ubuntu1', 'NET-3 networking toolkit', '/sbin/ifconfig', '/bin/netstat', '/sbin/route'],
  ['iptables', '1.6.1-2ubuntu2', 'administration tools for packet filtering and NAT', '/sbin/iptables', '/sbin/iptables-save'],
  ['curl', '7.58.0-2ubuntu3.24', 'command line tool for transferring data with URL syntax', '/usr/bin/curl'],
  ['wget', '1.19.4-1ubuntu2.2', 'retrieves files from the web', '/usr/bin/wget'],
  ['sudo', '1.8.21p2-3ubuntu1.6', 'Provide limited super user privileges to specific users', '/usr/bin/sudo', '/etc/sudoers'],
  ['python3.6', '3.6.9-1~18.04ubuntu1.12', 'Interactive high-level object-oriented language (version 3.6)', '/usr/bin/python3.6'],
  ['perl', '5.26.1-6ubuntu0.7', "Larry Wall's Practical Extraction and Report Language", '/usr/bin/perl'],
  ['dpkg', '1.19.0.5ubuntu2.4', 'Debian package management system', '/usr/bin/dpkg'],
  ['apt', '1.6.17', 'commandline package manager', '/usr/bin/apt', '/usr/bin/apt-get'],
  ['tar', '1.29b-2ubuntu0.4', 'GNU version of the tar archiving utility', '/bin/tar'],
  ['rsyslog', '8.32.0-1ubuntu4.2', 'reliable system and kernel logging daemon'],
  ['at', '3.1.20-3.1ubuntu2', 'Delayed job execution and batch processing'],
]
const debian: Row[] = [
  ['apt', '2.6.1', 'commandline package manager', '/usr/bin/apt', '/usr/bin/apt-get'],
  ['bash', '5.2.15-2+b2', 'GNU Bourne Again SHell', '/usr/bin/bash'],
  ['busybox', '1:1.35.0-4+b3', 'Tiny utilities for small and embedded systems', '/usr/bin/busybox'],
  ['coreutils', '9.1-1', 'GNU core utilities', '/usr/bin/ls', '/usr/bin/cat', '/usr/bin/rm', '/usr/bin/chmod'],
  ['cron', '3.0pl1-162', 'process scheduling daemon', '/usr/sbin/cron', '/usr/bin/crontab'],
  ['curl', '7.88.1-10+deb12u5', 'command line tool for transferring data with URL syntax', '/usr/bin/curl'],
  ['dash', '0.5.12-2', 'POSIX-compliant shell', '/usr/bin/dash', '/usr/bin/sh'],
  ['dpkg', '1.21.22', 'Debian package management system', '/usr/bin/dpkg'],
  [
    'dropbear',
    '2022.83-1+deb12u3',
    'lightweight SSH2 server and client - startup scripts',
    '/etc/default/dropbear',
    '/usr/lib/systemd/system/dropbear.service',
  ],
  [
    'dropbear-bin',
    '2022.83-1+deb12u3',
    'lightweight SSH2 server and client - command line tools',
    '/usr/sbin/dropbear',
    '/usr/bin/dbclient',
    '/usr/bin/dropbearkey',
  ],
  ['e2fsprogs', '1.47.0-2', 'ext2/ext3/ext4 file system utilities', '/usr/bin/chattr', '/usr/bin/lsattr'],
  ['grep', '3.8-5', 'GNU grep, egrep and fgrep', '/usr/bin/grep'],
  ['ifupdown', '0.8.41', 'high level tools to configure network interfaces', '/usr/sbin/ifup', '/usr/sbin/ifdown'],
  ['iproute2', '6.1.0-3', 'networking and traffic control tools', '/usr/bin/ip', '/usr/bin/ss'],
  ['iptables', '1.8.9-2', 'administration tools for packet filtering and NAT', '/usr/sbin/iptables', '/usr/sbin/iptables-save'],
  ['iputils-ping', '3:20221126-1', 'Tools to test the reachability of network hosts', '/usr/bin/ping'],
  ['libc6', '2.36-9+deb12u4', 'GNU C Library: Shared libraries', '/usr/lib/x86_64-linux-gnu/libc.so.6'],
  ['linux-image-6.1.0-18-amd64', '6.1.76-1', 'Linux 6.1 for 64-bit PCs (signed)', '/boot/vmlinuz-6.1.0-18-amd64'],
  ['mawk', '1.3.4.20200120-3.1', 'Pattern scanning and text processing language', '/usr/bin/awk'],
  ['mount', '2.38.1-5+b1', 'tools for mounting and manipulating filesystems', '/usr/bin/mount', '/usr/bin/umount'],
  ['net-tools', '2.10-0.1', 'NET-3 networking toolkit', '/usr/sbin/ifconfig', '/usr/bin/netstat', '/usr/sbin/route'],
  [
    'openssh-client',
    '1:9.2p1-2+deb12u2',
    'secure shell (SSH) client, for secure access to remote machines',
    '/usr/bin/ssh',
    '/usr/bin/scp',
    '/usr/bin/ssh-keygen',
  ],
  ['openssh-sftp-server', '1:9.2p1-2+deb12u2', 'secure shell (SSH) sftp server module, for SFTP access from remote machines', '/usr/lib/sftp-server'],
  ['openssl', '3.0.11-1~deb12u2', 'Secure Sockets Layer toolkit - cryptographic utility', '/usr/bin/openssl'],
  ['passwd', '1:4.13+dfsg1-1+b1', 'change and administer password and group data', '/usr/bin/passwd', '/usr/sbin/useradd'],
  ['perl-base', '5.36.0-7+deb12u1', 'minimal Perl system', '/usr/bin/perl'],
  ['procps', '2:4.0.2-3', '/proc file system utilities', '/usr/bin/ps', '/usr/bin/top', '/usr/bin/free', '/usr/bin/pkill'],
  ['python3.11', '3.11.2-6', 'Interactive high-level object-oriented language (version 3.11)', '/usr/bin/python3.11'],
  ['rsyslog', '8.2302.0-1', 'reliable system and kernel logging daemon'],
  ['sed', '4.9-1', 'GNU stream editor for filtering/transforming text', '/usr/bin/sed'],
  ['sudo', '1.9.13p3-1+deb12u1', 'Provide limited super user privileges to specific users', '/usr/bin/sudo', '/etc/sudoers'],
  ['systemd', '252.22-1~deb12u1', 'system and service manager', '/usr/bin/systemctl', '/usr/bin/journalctl'],
  ['tar', '1.34+dfsg-1.2', 'GNU version of the tar archiving utility', '/usr/bin/tar'],
  ['wget', '1.21.3-1+b2', 'retrieves files from the web', '/usr/bin/wget'],
]
const openwrt: Row[] = [
  ['base-files', '204.4-r11208-ce6496d796', '', '/etc/banner', '/etc/openwrt_release', '/etc/os-release'],
  ['busybox', '1.30.1-6', '', '/bin/busybox'],
  ['dnsmasq', '2.80-16.1', '', '/usr/sbin/dnsmasq'],
  ['dropbear', '2019.78-2', '', '/usr/sbin/dropbear'],
  ['firewall', '2019-11-22-8174814a-3', '', '/usr/sbin/fw3'],
  ['iptables', '1.8.3-1', '', '/usr/sbin/iptables'],
  ['libc', '1.1.24-2', '', '/lib/libc.so'],
  ['netifd', '2019-08-05-5e02f944-1', '', '/sbin/netifd'],
  ['odhcpd-ipv6only', '2020-05-03-49e4949c-3', '', '/usr/sbin/odhcpd'],
  ['opkg', '2020-05-07-f2166a89-1', '', '/usr/bin/opkg'],
  ['procd', '2020-03-07-09b9bd82-1', '', '/sbin/procd'],
  ['rpcd', '2020-05-26-7be1f171-1', '', '/sbin/rpcd'],
  ['ubusd', '2019-12-27-041c9d1c-1', '', '/sbin/ubusd'],
  ['uci', '2019-09-01-415f9e48-4', '', '/sbin/uci'],
  ['uhttpd', '2020-06-03-939c281c-2', '', '/usr/sbin/uhttpd'],
]
const rows = { centos, ubuntu, debian, openwrt }

/** Packages of a host, sorted by name. */
export function packagesOf(host: Host): Package[] {
  const { web } = host.persona.template
  const more: Row[] =
    web?.server === 'nginx' && host.flavour === 'centos'
      ? [['nginx', `1:${web.version}-1.el7`, 'A high performance web server and reverse proxy server', '/usr/sbin/nginx', '/etc/nginx/nginx.conf']]
      : []
  return [...rows[host.flavour], ...more].map(([name, version, text, ...files]) => ({ name, version, text, files })).sort((a, b) => (a.name < b.name ? -1 : 1))
}
