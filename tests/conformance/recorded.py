# SPDX-License-Identifier: MIT
"""Trees as `gaon record-tree` makes them, of machines that are not there: two switches, NUMA nodes, processes."""
import math
import os

SERIAL = "000102030405060708090a0b0c0d0e%02x"


def put(root, path, text=""):
    """A file below root, with the directories above it."""
    path = os.path.join(root, path.lstrip("/"))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text if not text or text.endswith("\n") else text + "\n")


def link(root, path, target):
    """A symbolic link below root."""
    path = os.path.join(root, path.lstrip("/"))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    os.symlink(target, path)


def bridge(root, path, numa=-1):
    """A PCI bridge: /sys/devices/..."""
    for name, text in (("vendor", "0x1b36"), ("device", "0x000c"), ("class", "0x060400"), ("numa_node", str(numa)),
                       ("current_link_speed", "16.0 GT/s PCIe"), ("current_link_width", "16"),
                       ("max_link_speed", "32.0 GT/s PCIe"), ("max_link_width", "16")):
        put(root, f"{path}/{name}", text)
    address = path.rsplit("/", 1)[1]
    link(root, f"/sys/bus/pci/devices/{address}", "../../../" + path.removeprefix("/sys/"))


def card(root, number, path, numa=0, bound=True):
    """A card at path, as /dev/accel/accelNUMBER if its driver is bound. Returns its PCI address."""
    address = path.rsplit("/", 1)[1]
    for name, text in (("vendor", "0x1234"), ("device", "0x6a10"), ("subsystem_vendor", "0x6761"),
                       ("subsystem_device", "0x0001"), ("class", "0x120000"), ("numa_node", str(numa)),
                       ("current_link_speed", "8.0 GT/s PCIe"), ("current_link_width", "8"),
                       ("max_link_speed", "16.0 GT/s PCIe"), ("max_link_width", "16"),
                       ("local_cpulist", "16-31" if numa else "0-15")):
        put(root, f"{path}/{name}", text)
    link(root, f"/sys/bus/pci/devices/{address}", "../../../" + path.removeprefix("/sys/"))
    if not bound:
        return address
    depth = "../" * (path.count("/") - 1)
    for name, text in (("serial", SERIAL % number), ("fw_version", "1.2.3"), ("fw_abi", "1"), ("state", "ready"),
                       ("resets", "3"), ("hbm_total", str(32 << 30)), ("hbm_used", str(3 << 29)),
                       ("power/runtime_status", "active")):
        put(root, f"{path}/{name}", text)
    for name, text in (("name", "gaon"), ("temp1_input", "41500"), ("power1_average", "75250000"),
                       ("energy1_input", "123456789"), ("freq1_input", "1100000000"), ("power1_cap", "150000000"),
                       ("power1_cap_min", "120000000"), ("power1_cap_max", "250000000"),
                       ("power1_cap_default", "240000000"), ("power1_cap_alarm", "1"), ("temp1_max", "100000"),
                       ("temp1_crit", "110000"), ("temp1_emergency", "120000"), ("temp1_max_alarm", "0"),
                       ("temp1_crit_alarm", "0")):
        put(root, f"{path}/hwmon/hwmon{7 + number}/{name}", text)
    for name, text in (("set_max_freq", "1150"), ("hw_min_freq", "400"), ("hw_max_freq", "1200")):
        put(root, f"{path}/freq/{name}", text)
    link(root, f"{path}/driver", depth + "bus/pci/drivers/gaon")
    link(root, f"{path}/iommu_group", depth + f"kernel/iommu_groups/{number + 4}")
    put(root, f"{path}/accel/accel{number}/dev", f"261:{number}")
    link(root, f"{path}/accel/accel{number}/device", f"../../../{address}")
    link(root, f"/sys/class/accel/accel{number}", f"../../{path.removeprefix('/sys/')}/accel/accel{number}")
    put(root, f"/dev/accel/accel{number}")
    put(root, f"/sys/kernel/debug/accel/{address}/errors", "counter             corrected uncorrected\n"
        "hbm-channel-0               5           1\nscratchpad-0                2           0\n")
    put(root, f"/sys/kernel/debug/accel/{address}/retired", "        0x5000 retired poisoned\n")
    return address


def fdinfo(address, client, core=0, total=1000000, hbm_kib=2048):
    """What the driver writes of an open file."""
    return (f"pos:\t0\nflags:\t02100002\ndrm-driver:\tgaon\ndrm-client-id:\t{client}\ndrm-pdev:\t{address}\n"
            f"drm-engine-core:\t{core} ns\ndrm-engine-capacity-core:\t4\ndrm-cycles-core:\t{core}\n"
            f"drm-total-cycles-core:\t{total}\ndrm-engine-copy:\t0 ns\ndrm-engine-capacity-copy:\t2\n"
            f"drm-cycles-copy:\t0\ndrm-total-hbm:\t{hbm_kib} KiB\ndrm-total-host:\t3 MiB\n")


def process(root, pid, command, files, uid=1000):
    """A process; files are {number: (node, text of fdinfo)}."""
    put(root, f"/proc/{pid}/comm", command)
    put(root, f"/proc/{pid}/status", f"Name:\t{command}\nUid:\t{uid}\t{uid}\t{uid}\t{uid}\n")
    for number, (node, text) in files.items():
        link(root, f"/proc/{pid}/fd/{number}", node)
        put(root, f"/proc/{pid}/fdinfo/{number}", text)


def module(root, version="1.3"):
    """The kernel module is loaded."""
    put(root, "/sys/module/gaon/version", version)
    put(root, "/sys/module/gaon/parameters/job_timeout_ms", "0")


def nodes(root):
    """Two NUMA nodes of sixteen processors."""
    for number, (cpus, distance) in enumerate((("0-15", "10 21"), ("16-31", "21 10"))):
        put(root, f"/sys/devices/system/node/node{number}/cpulist", cpus)
        put(root, f"/sys/devices/system/node/node{number}/distance", distance)


def machine(root):
    """Three cards: two behind one switch on node 0, one on node 1; and processes."""
    nodes(root)
    switch = "/sys/devices/pci0000:00/0000:00:01.0"
    bridge(root, switch)
    for number in (0, 1):
        bridge(root, f"{switch}/0000:01:0{number}.0")
        card(root, number, f"{switch}/0000:01:0{number}.0/0000:0{2 + number}:00.0")
    bridge(root, "/sys/devices/pci0000:80/0000:80:01.0", numa=1)
    card(root, 2, "/sys/devices/pci0000:80/0000:80:01.0/0000:81:00.0", numa=1)
    module(root)
    process(root, 100, "llama-server", {3: ("/dev/accel/accel0", fdinfo("0000:02:00.0", 7, 400000)),
                                        4: ("/dev/accel/accel0", fdinfo("0000:02:00.0", 7, 400000)),
                                        5: ("/dev/accel/accel1", fdinfo("0000:03:00.0", 8))})
    process(root, 101, "worker", {3: ("/dev/accel/accel0", fdinfo("0000:02:00.0", 7, 400000)),
                                  6: ("/dev/null", "pos:\t0\n")}, uid=0)


def chassis(root):
    """Eight cards: four behind two switches of a root port on node 0, two on ports of node 1, two on a second bridge of it."""
    nodes(root)
    number = 0
    top = "/sys/devices/pci0000:00/0000:00:01.0"
    bridge(root, top, 0)
    bridge(root, top + "/0000:01:00.0", 0)
    for port in (0, 1):
        switch = f"{top}/0000:01:00.0/0000:02:0{port}.0"
        bridge(root, switch, 0)
        bridge(root, f"{switch}/0000:{3 + 4 * port:02x}:00.0", 0)
        for slot in (0, 1):
            below = f"{switch}/0000:{3 + 4 * port:02x}:00.0/0000:{4 + 4 * port:02x}:0{slot}.0"
            bridge(root, below, 0)
            card(root, number, f"{below}/0000:{5 + 4 * port + slot:02x}:00.0", 0)
            number += 1
    for host in ("80", "c0"):
        for port in (1, 2):
            above = f"/sys/devices/pci0000:{host}/0000:{host}:0{port}.0"
            bridge(root, above, 1)
            card(root, number, f"{above}/0000:{int(host, 16) + port:02x}:00.0", 1)
            number += 1
    module(root)


def port_at(root, path, peer=None, peer_port=0, state="up", mbps=45000, bad=0):  # pylint: disable=too-many-arguments
    """The files of a port; peer is the number of another card, or a serial number."""
    up = state == "up"
    serial = SERIAL % peer if isinstance(peer, int) else peer or "none"
    for name, text in (("state", state), ("peer", serial), ("peer_port", "none" if peer is None else str(peer_port)),
                       ("lanes", "8" if up else "0"), ("speed_mbps", str(mbps) if up else "0"), ("ups", str(int(peer is not None))),
                       ("frames", "100"), ("bad_frames", str(bad))):
        put(root, f"{path}/{name}", text)


def port(root, number, port_number, *args, **more):
    """A port of card NUMBER of torus()."""
    port_at(root, f"/sys/devices/pci0000:00/0000:00:{number // 8 + 1:02x}.{number % 8}/port{port_number}", *args, **more)


def torus(root, size, order=None, ports=6):
    """Cards joined in as many dimensions as size has; order[n] is the card at the n-th place, x first. Returns {(card, port): card}."""
    count = math.prod(size)
    order = order or list(range(count))
    cables = {}
    nodes(root)
    for number in range(count):
        card(root, number, f"/sys/devices/pci0000:00/0000:00:{number // 8 + 1:02x}.{number % 8}")
        for number_of_port in range(ports):
            port(root, number, number_of_port, state="down")
    stride = 1
    for dimension, length in enumerate(size):
        for place in range(count if length > 1 else 0):
            at = place // stride % length
            other = place + ((at + 1) % length - at) * stride
            for one, two, up in ((place, other, 0), (other, place, 1)):
                port(root, order[one], 2 * dimension + up, order[two], 2 * dimension + 1 - up)
                cables[order[one], 2 * dimension + up] = order[two]
        stride *= length
    module(root)
    return cables


def many(root, count=8, others=0):
    """As many cards as a full chassis has, with ports, and with a process on each; others are processes that use none."""
    for number in range(count):
        bridge(root, f"/sys/devices/pci0000:00/0000:00:{number + 1:02x}.0")
        path = f"/sys/devices/pci0000:00/0000:00:{number + 1:02x}.0/0000:{number + 1:02x}:00.0"
        address = card(root, number, path)
        for way in range(6):    # a ring three times over
            port_at(root, f"{path}/port{way}", (number + (-1 if way & 1 else 1)) % count, way ^ 1)
        process(root, 200 + number, "worker", {3: (f"/dev/accel/accel{number}", fdinfo(address, number))})
    for number in range(others):
        process(root, 1000 + number, "other", {fd: ("/dev/null", "pos:\t0\n") for fd in range(8)})
    module(root)
