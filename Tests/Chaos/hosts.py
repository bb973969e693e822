"""Hosts as network namespaces, joined by veth pairs on a bridge of this process's own namespace.

All of it needs no name that others could see: the namespaces are those of processes, and vanish with them.
"""
import subprocess

BRIDGE = "hosts"
NETWORK = "10.77.0"


def ip(*words):
    done = subprocess.run(["ip", *words], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"ip {' '.join(words)} failed: {done.stderr.strip()}")


class Switch:
    """The bridge. Proxies listen on further addresses of it, so that this process stands between all hosts."""

    def __init__(self):
        ip("link", "set", "lo", "up")
        ip("link", "add", BRIDGE, "type", "bridge")
        self.add_address(1)
        ip("link", "set", BRIDGE, "up")

    @staticmethod
    def add_address(number):
        ip("addr", "add", f"{NETWORK}.{number}/24", "dev", BRIDGE)
        return f"{NETWORK}.{number}"


class Host:
    """A network stack of its own, kept by a process that only sleeps."""

    def __init__(self, name, number):
        self.name, self.address, self.link = name, f"{NETWORK}.{number}", f"host{number}"
        self.holder = subprocess.Popen(
            ["unshare", "--net", "sh", "-c", "echo; exec sleep infinity"], stdout=subprocess.PIPE, start_new_session=True)
        # Only once it has spoken is it in its namespace.
        self.holder.stdout.readline()
        ip("link", "add", self.link, "type", "veth", "peer", "name", "eth0", "netns", str(self.holder.pid))
        ip("link", "set", self.link, "master", BRIDGE, "up")
        for words in (["addr", "add", f"{self.address}/24", "dev", "eth0"], ["link", "set", "eth0", "up"],
                      ["link", "set", "lo", "up"]):
            subprocess.run(self.inside(["ip", *words]), check=True)

    def inside(self, command):
        """The command, run on this host; it replaces itself, so the process is the program's own."""
        return ["nsenter", f"--net=/proc/{self.holder.pid}/ns/net", "--", *command]

    def set_link(self, up):
        ip("link", "set", self.link, "up" if up else "down")

    def listening_ports(self):
        """TCP ports of this host that somebody listens on."""
        with open(f"/proc/{self.holder.pid}/net/tcp", encoding="ascii") as file:
            fields = [line.split() for line in file.readlines()[1:]]
        return {int(line[1].split(":")[1], 16) for line in fields if line[3] == "0A"}

    def remove(self):
        self.holder.kill()
        self.holder.wait()
