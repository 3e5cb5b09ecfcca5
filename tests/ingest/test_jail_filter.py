"""The filter of system calls, run by hand: what the kernel would say to each call, on both architectures."""

from __future__ import annotations

import struct

import pytest

from ingest.jail import seccomp
from ingest.jail.seccomp import _ARM64, _X86_64, _filter

ALLOW, REFUSE, KILL = seccomp._ALLOW, seccomp._REFUSE, seccomp._KILL
ANSWERS, PID = 5, 4711
MACHINES = {"x86_64": _X86_64, "arm64": _ARM64}


def verdict(program: bytes, arch: int, number: int, *arguments: int) -> int:
    """Run classic BPF over one call, as <linux/filter.h> describes it."""
    data = struct.pack("=iIQ6Q", number, arch, 0, *arguments, *[0] * (6 - len(arguments)))
    code = [struct.unpack_from("=HBBI", program, at) for at in range(0, len(program), 8)]
    at, accumulator = 0, 0
    for _ in range(len(code)):
        operation, yes, no, operand = code[at]
        at += 1
        match operation:
            case 0x20:
                (accumulator,) = struct.unpack_from("=I", data, operand)
            case 0x15:
                at += yes if accumulator == operand else no
            case 0x35:
                at += yes if accumulator >= operand else no
            case 0x45:
                at += yes if accumulator & operand else no
            case 0x06:
                return operand
    raise AssertionError("a filter ends with a verdict")


@pytest.fixture(params=MACHINES)
def machine(request: pytest.FixtureRequest) -> seccomp._Machine:
    return MACHINES[request.param]


def ask(machine: seccomp._Machine, number: int, *arguments: int) -> int:
    return verdict(_filter(machine, ANSWERS, PID), machine.audit_arch, number, *arguments)


def test_what_is_listed_is_allowed_or_fatal_and_every_other_call_is_refused(machine: seccomp._Machine) -> None:
    conditional = {machine.write, machine.tgkill, machine.mmap, machine.mprotect}
    for number in range(600):
        if number in conditional:
            continue
        expected = REFUSE
        if number in machine.allowed.values():
            expected = ALLOW
        elif number in machine.fatal.values():
            expected = KILL
        assert ask(machine, number) == expected, number


def test_no_call_stands_in_two_lists(machine: seccomp._Machine) -> None:
    numbers = [*machine.allowed.values(), *machine.fatal.values()]
    numbers += [machine.write, machine.tgkill, machine.mmap, machine.mprotect]
    assert len(numbers) == len(set(numbers))


def test_bytes_go_into_the_pipe_of_answers_alone(machine: seccomp._Machine) -> None:
    assert [ask(machine, machine.write, fd) for fd in (0, 1, 2, ANSWERS, 6)] == [REFUSE] * 3 + [ALLOW, REFUSE]


def test_a_signal_goes_to_itself_alone(machine: seccomp._Machine) -> None:
    assert [ask(machine, machine.tgkill, pid) for pid in (1, PID)] == [REFUSE, ALLOW]


def test_memory_is_never_made_executable(machine: seccomp._Machine) -> None:
    for number in (machine.mmap, machine.mprotect):
        assert [ask(machine, number, 0, 4096, protection) for protection in (1, 3, 5, 7)] == [ALLOW] * 2 + [REFUSE] * 2


def test_calls_of_another_architecture_are_fatal(machine: seccomp._Machine) -> None:
    """Otherwise their numbers would mean something else: 59 is execve here and openat of 32-bit arm there."""
    program = _filter(machine, ANSWERS, PID)
    assert verdict(program, 0x40000003, machine.allowed["read"]) == KILL, "32-bit x86"
    assert ask(machine, 0x40000000 | machine.allowed["read"]) == KILL, "the second set of numbers of x86-64"


def test_another_system_has_no_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seccomp.sys, "platform", "darwin")
    assert seccomp.restrict(ANSWERS) is None


def test_the_numbers_are_those_of_this_machine() -> None:
    """Against the headers of the system, where they are installed."""
    import platform
    import re
    from pathlib import Path

    headers = {
        "x86_64": "/usr/include/x86_64-linux-gnu/asm/unistd_64.h",
        "aarch64": "/usr/include/asm-generic/unistd.h",
    }
    header = Path(headers.get(platform.machine(), "/nowhere"))
    if not header.is_file():
        pytest.skip("needs the kernel's headers (linux-libc-dev)")
    numbers = {name: int(number) for name, number in re.findall(r"#define __NR_(\w+)\s+(\d+)", header.read_text())}
    machine = seccomp._MACHINES[platform.machine()]
    ours = {**machine.allowed, **machine.fatal, "seccomp": machine.seccomp}
    ours |= {name: getattr(machine, name) for name in ("write", "tgkill", "mmap", "mprotect")}
    assert {name: numbers.get(name) for name in ours} == ours
