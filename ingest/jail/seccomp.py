"""A filter of system calls for this process (Linux on x86-64 and arm64): a list of what is allowed, all else refused.

A decoder that has its bytes in memory needs memory, clocks, locks and the pipe of its answers, and nothing else. So no
file is opened, not even to read: nobody who takes over the child can read a configuration, a key or another clip. It is
entered after everything was loaded and has run once.

Refused is answered with EPERM, since libraries probe (a traceback looks for its source) and go on without. What no
library here has a use for (`fatal`) ends the process: whoever tries it gets no second try, and the parent is told.

The filter is a program in classic BPF, run by the kernel at each call over `struct seccomp_data`:

    offset 0 int nr    4 u32 arch    8 u64 instruction_pointer    16 u64 args[6]

See seccomp(2), <linux/seccomp.h>, <linux/filter.h>, <linux/bpf_common.h>, <linux/audit.h>; the numbers of calls are of
<asm/unistd_64.h> (x86-64) and <asm-generic/unistd.h> (arm64).
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys
from collections.abc import Mapping
from dataclasses import dataclass

# Instructions: a class, a size or an operation, and where the operand is from.
_LOAD_WORD = 0x20  # BPF_LD | BPF_W | BPF_ABS: the accumulator from an offset of seccomp_data
_JUMP_EQUAL = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_JUMP_AT_LEAST = 0x35  # BPF_JMP | BPF_JGE | BPF_K
_JUMP_ANY_BIT = 0x45  # BPF_JMP | BPF_JSET | BPF_K
_RETURN = 0x06  # BPF_RET | BPF_K

_KILL = 0x80000000  # SECCOMP_RET_KILL_PROCESS
_REFUSE = 0x00050000 | errno.EPERM  # SECCOMP_RET_ERRNO
_ALLOW = 0x7FFF0000  # SECCOMP_RET_ALLOW

_NR, _ARCH = 0, 4
_X32 = 0x40000000  # x86-64 has a second set of calls from this number on

_PROT_EXEC = 4
_PR_SET_NO_NEW_PRIVS, _PR_SET_PDEATHSIG, _PR_SET_DUMPABLE = 38, 1, 4
_SECCOMP_SET_MODE_FILTER, _FILTER_FLAG_TSYNC = 1, 1


@dataclass(frozen=True)
class _Machine:
    """The numbers of one architecture."""

    audit_arch: int
    seccomp: int
    allowed: Mapping[str, int]
    fatal: Mapping[str, int]

    write: int
    tgkill: int
    mmap: int
    mprotect: int


_X86_64 = _Machine(
    audit_arch=0xC000003E,
    seccomp=317,
    allowed={
        "read": 0, "close": 3, "munmap": 11, "brk": 12, "rt_sigaction": 13, "rt_sigprocmask": 14, "rt_sigreturn": 15,
        "pread64": 17, "sched_yield": 24, "mremap": 25, "madvise": 28, "nanosleep": 35, "setitimer": 38, "getpid": 39,
        "exit": 60, "gettimeofday": 96, "getrusage": 98, "sigaltstack": 131, "gettid": 186, "futex": 202,
        "sched_getaffinity": 204, "restart_syscall": 219, "clock_gettime": 228, "clock_nanosleep": 230,
        "exit_group": 231, "getcpu": 309, "getrandom": 318,
    },
    fatal={
        "socket": 41, "connect": 42, "fork": 57, "vfork": 58, "execve": 59, "ptrace": 101, "mount": 165,
        "init_module": 175, "keyctl": 250, "unshare": 272, "perf_event_open": 298, "setns": 308,
        "process_vm_readv": 310, "process_vm_writev": 311, "bpf": 321, "execveat": 322, "userfaultfd": 323,
        "io_uring_setup": 425,
    },
    write=1, tgkill=234, mmap=9, mprotect=10,
)  # fmt: skip

_ARM64 = _Machine(
    audit_arch=0xC00000B7,
    seccomp=277,
    allowed={
        "close": 57, "read": 63, "pread64": 67, "exit": 93, "exit_group": 94, "futex": 98, "nanosleep": 101,
        "setitimer": 103, "clock_gettime": 113, "clock_nanosleep": 115, "sched_getaffinity": 123, "sched_yield": 124,
        "restart_syscall": 128, "sigaltstack": 132, "rt_sigaction": 134, "rt_sigprocmask": 135, "rt_sigreturn": 139,
        "getrusage": 165, "getcpu": 168, "gettimeofday": 169, "getpid": 172, "gettid": 178, "brk": 214, "munmap": 215,
        "mremap": 216, "madvise": 233, "getrandom": 278,
    },
    fatal={
        "mount": 40, "unshare": 97, "init_module": 105, "ptrace": 117, "socket": 198, "connect": 203, "keyctl": 219,
        "execve": 221, "perf_event_open": 241, "setns": 268, "process_vm_readv": 270, "process_vm_writev": 271,
        "bpf": 280, "execveat": 281, "userfaultfd": 282, "io_uring_setup": 425,
    },
    write=64, tgkill=131, mmap=222, mprotect=226,
)  # fmt: skip

_MACHINES = {"x86_64": _X86_64, "aarch64": _ARM64}


class _Program(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = (("len", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def restrict(answers: int) -> str | None:
    """Allow this process and all its threads, for good, only what a decoder needs; bytes go only into `answers`.

    `answers` is the descriptor of a pipe. Returns what holds from now on, in words; None where this system has no such
    filter, or this kernel refuses it.
    """
    machine = _MACHINES.get(platform.machine())
    if sys.platform != "linux" or machine is None:
        return None
    program = _filter(machine, answers, os.getpid())
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)  # no other process of this user may look into its memory
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return None
    given = _Program(len(program) // 8, program)
    # seccomp(2) and not prctl(2): this one binds the threads that libraries have already started.
    if libc.syscall(machine.seccomp, _SECCOMP_SET_MODE_FILTER, _FILTER_FLAG_TSYNC, ctypes.byref(given)) != 0:
        return None
    return f"{len(machine.allowed) + 4} system calls and no other (seccomp)"


def die_with_parent() -> None:
    """Have the kernel kill this process once the thread that started it is gone (Linux; elsewhere its pipe ends)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, 9, 0, 0, 0)


def _filter(machine: _Machine, answers: int, pid: int) -> bytes:
    """The program: each line of it ends the search or leads to the next."""
    lines = [
        _instruction(_LOAD_WORD, _ARCH),
        _instruction(_JUMP_EQUAL, machine.audit_arch, yes=1),
        _instruction(_RETURN, _KILL),
        _instruction(_LOAD_WORD, _NR),
        _instruction(_JUMP_AT_LEAST, _X32, no=1),
        _instruction(_RETURN, _KILL),
    ]
    for numbers, verdict in ((machine.allowed, _ALLOW), (machine.fatal, _KILL)):
        for number in numbers.values():
            lines += [_instruction(_JUMP_EQUAL, number, no=1), _instruction(_RETURN, verdict)]
    lines += _only_if(machine.write, 0, _JUMP_EQUAL, answers, yes=_ALLOW, no=_REFUSE)
    lines += _only_if(machine.tgkill, 0, _JUMP_EQUAL, pid, yes=_ALLOW, no=_REFUSE)  # abort(3) signals itself
    for number in (machine.mmap, machine.mprotect):  # what is written is never run
        lines += _only_if(number, 2, _JUMP_ANY_BIT, _PROT_EXEC, yes=_REFUSE, no=_ALLOW)
    lines.append(_instruction(_RETURN, _REFUSE))
    return b"".join(lines)


def _only_if(number: int, argument: int, test: int, value: int, *, yes: int, no: int) -> list[bytes]:
    """For the call `number`: `yes` where `test` holds of the low half of an argument (an int), otherwise `no`."""
    low = 16 + 8 * argument  # both architectures store the low half first
    return [
        _instruction(_JUMP_EQUAL, number, no=4),
        _instruction(_LOAD_WORD, low),
        _instruction(test, value, no=1),
        _instruction(_RETURN, yes),
        _instruction(_RETURN, no),
    ]


def _instruction(code: int, operand: int, *, yes: int = 0, no: int = 0) -> bytes:
    """struct sock_filter: `yes` and `no` are how many instructions to skip."""
    return struct.pack("=HBBI", code, yes, no, operand)
