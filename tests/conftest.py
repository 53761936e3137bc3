"""Shared set-up of all tests."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"

# Numba and BLAS threads only get in each other's way under `pytest -n`; results do not depend on them.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

# What shells and nohup run in the background ignores these, which tests and the processes that they start count on.
for kind, usual in ((signal.SIGINT, signal.default_int_handler), (getattr(signal, "SIGHUP", None), signal.SIG_DFL)):
    if kind is not None and signal.getsignal(kind) is signal.SIG_IGN:
        signal.signal(kind, usual)

# Users' own: their wheels do not fit the pinned PyTorch, so that no install command brings them.
BROUGHT_BY_USERS = ("dgl", "torch_sparse")

_missing_libraries: list[str] = []


@pytest.fixture(scope="session")
def golden() -> Path:
    """The folder with outputs of the published WIS code; the test is skipped where it is absent."""
    folder = SHARED / "golden"
    if not folder.is_dir():
        pytest.skip("the golden cases of the published code are not on this machine")
    return folder


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.skipped and isinstance(report.longrepr, tuple):
        reason = report.longrepr[2]
        missing = re.search(r"could not import|No module named|not installed", reason)
        if missing and not any(f"'{library}'" in reason for library in BROUGHT_BY_USERS):
            _missing_libraries.append(f"{report.nodeid}: {reason}")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """On CI a test that is skipped for want of a library is a failure: the install command is wrong."""
    if os.environ.get("CI") and _missing_libraries and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if os.environ.get("CI") and _missing_libraries:
        terminalreporter.section("failed: skipped for want of a library")
        for line in _missing_libraries:
            terminalreporter.line(line)
