# SPDX-License-Identifier: MIT
"""A terminal for programs that draw on one: tmux without a person."""
import os
import subprocess
import time


class Terminal:
    """A shell command in a terminal of tmux's; keys go in, what stands on the screen comes out."""

    def __init__(self, work, command, columns=100, rows=30, patience=20.0, **environment):
        self.socket = os.path.join(work, f"tmux{os.getpid()}")
        self.patience = patience
        self.tmux("kill-server", check=False)
        with open(self.socket + ".conf", "w", encoding="ascii") as file:
            file.write("set -g default-terminal tmux-256color\nset -g status off\n"
                       "set -g escape-time 0\nset -g default-shell /bin/sh\n")
        environment = {"LC_ALL": "C.UTF-8", **environment}
        self.tmux("-f", self.socket + ".conf", "-u", "new-session", "-d", "-x", str(columns), "-y", str(rows),
                  " ".join(f"{name}='{value}'" for name, value in environment.items()) + f" sh -c '{command}; sleep 1000'")

    def tmux(self, *args, check=True):
        """A command of tmux's own; what it prints."""
        return subprocess.run(["tmux", "-S", self.socket, *args], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              text=True, check=check, stdin=subprocess.DEVNULL).stdout

    def keys(self, *keys):
        """Pressed one after the other; names as tmux has them."""
        for key in keys:
            self.tmux("send-keys", key)

    def text(self, colours=False):
        """What stands on the screen; with escape sequences for colours."""
        return self.tmux("capture-pane", "-p", *(["-e"] if colours else []))

    def wait(self, like):
        """The screen, once like(text) holds; None: it never did."""
        end = time.monotonic() + self.patience
        while time.monotonic() < end:
            text = self.text()
            if like(text):
                return text
            time.sleep(0.05)
        return None

    def shape(self, columns, rows):
        """Another size."""
        self.tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def ask(self, form):
        """Of tmux's variables: #{cursor_flag}."""
        return self.tmux("display-message", "-p", form).strip()

    def close(self):
        """All ends."""
        self.tmux("kill-server", check=False)
