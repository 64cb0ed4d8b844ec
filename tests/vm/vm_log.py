# SPDX-License-Identifier: MIT
"""Finds in a kernel's log what a kernel must not say."""
import re

# The first pattern that matches a line names its trouble.
_PATTERNS = [(kind, re.compile(text)) for kind, text in (
    ("kasan", r"BUG: KASAN|BUG: KFENCE|KCSAN:"),
    ("lockdep", r"possible circular locking|possible recursive locking|inconsistent lock state|suspicious RCU usage|"
                r"bad unlock balance|held lock freed|lock held when returning to user space|lock held at task exit|"
                r"irq lock inversion|-unsafe lock order detected|BUG: MAX_LOCK|BUG: key .* not registered|"
                r"Invalid wait context|DEBUG_LOCKS_WARN_ON|nested lock was not taken|INFO: trying to register non-static"),
    ("atomic", r"sleeping function called from invalid context|scheduling while atomic|voluntary context switch within"),
    ("lockup", r"soft lockup|hard LOCKUP|blocked for more than \d+ seconds|blocked in I/O wait for more than|"
               r"BUG: workqueue lockup|self-detected stall|detected stalls|rcu_.*kthread starved|"
               r"rcu: INFO:.*stall"),
    ("ubsan", r"UBSAN:"),
    # Memory that another device still has (a dma-buf), when a driver leaves; both lines of that warning.
    ("dma-held", r"DMA-API: .* pending DMA allocations while released|WARNING: .* at dma_debug_device_change\+"),
    ("memory", r"BUG: Bad page|BUG: Bad rss-counter|BUG: non-zero pgtables_bytes|list_(add|del) corruption|"
               r"Slab corruption|BUG kmalloc|BUG \S+ \(.*\): |refcount_t:|Objects remaining in|ODEBUG:|DMA-API: .*(rror|leak|dev)"),
    # What kmemleak finds, leaks.sh reads at the end of the boot: the kernel's log has only a number.
    ("leak", r"Memory manager not clean during takedown"),
    ("oops", r"Oops|Kernel panic|general protection fault|Unable to handle kernel|unable to handle page fault|"
             r"double fault|invalid opcode:|stack segment fault|kernel stack overflow|BUG: stack guard page|"
             r"BUG: kernel NULL pointer|stack-protector: Kernel stack is corrupted"),
    ("bug", r"kernel BUG at|BUG: "),
    ("warning", r"WARNING: "),
)]
_CIRCLE = "possible circular locking"
_CIRCLE_LINES = 16
_CIRCLE_END = "which lock already depends on the new lock"
# Of both orders in which the kernel's hotplug of PCI takes them lockdep warns; whose card it is does not matter.
_PCIEHP = ("(&ctrl->reset_lock)", "(pci_rescan_remove_lock)")
_MARK = re.compile(r"gaon-vm: (begin|end) (\d+)")
_STAMP = re.compile(r"^\[ *\d+\.\d+\](?:\[ *[TC]\d+\])? ?")


class KernelLog:
    """Follows the console of one boot. feed() takes lines; what is found belongs to the test that runs."""

    def __init__(self):
        self.troubles = {}      # test's number, -1 before and between tests: {kind: first line}
        self.ended = set()      # tests whose end the console has shown
        self._test = -1
        self._circle = []       # lines of a report of lockdep's until it has named the two locks

    def _note(self, kind, text):
        self.troubles.setdefault(self._test, {}).setdefault(kind, text.strip())

    def _feed_circle(self, text):
        """What else a report of a circle says, which names the locks; whose it is, at the end."""
        self._circle.append(text)
        if _CIRCLE_END in text or len(self._circle) > _CIRCLE_LINES:
            said = "\n".join(self._circle)
            self._note("pciehp" if all(lock in said for lock in _PCIEHP) else "lockdep", self._circle[0])
            self._circle = []

    def feed(self, line):
        """One line of the console."""
        text = _STAMP.sub("", line)
        mark = _MARK.search(text)
        if mark:
            self._test = int(mark[2]) if mark[1] == "begin" else -1
            if mark[1] == "end":
                self.ended.add(int(mark[2]))
            return
        if text.startswith("gaon-vm:"):
            return
        if _CIRCLE in text and not self._circle:
            self._circle = [text]
            return
        if self._circle:
            self._feed_circle(text)
        for kind, pattern in _PATTERNS:
            if pattern.search(text):
                self._note(kind, text)
                return

    def of(self, test):
        """What was found while that test ran: {kind: first line}."""
        if self._circle:        # the report was cut short
            self._note("lockdep", self._circle[0])
            self._circle = []
        return dict(self.troubles.get(test, {}))
