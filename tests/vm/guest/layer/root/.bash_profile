# SPDX-License-Identifier: MIT
# What the shell of `make vm` starts with.
export PATH="$PATH:$O/bin"
