"""The web service as a process of its own: started, waited for, killed, stopped."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from time import monotonic

import anyio
import httpx

APPLICATION = "examples.fastapi_app.main:app"
START_SECONDS = 120.0
STOP_SECONDS = 30.0
_ROOT = Path(__file__).parents[2]


class ServiceFailed(Exception):
    """The service did not start, or ended by itself; the message has the end of its log."""


def free_port() -> int:
    """A port on which nobody listens just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Service:
    """uvicorn with the example application, over the store at `uri`.

    environment   settings of the application besides its store
    """

    def __init__(self, uri: str, port: int, log: Path, environment: Mapping[str, str] | None = None) -> None:
        self.uri = uri
        self.port = port
        self.log = log
        self.url = f"http://127.0.0.1:{port}"
        self._environment = environment or {}
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Start the process and wait until it answers.

        errors   ServiceFailed
        """
        command = [sys.executable, "-m", "uvicorn", APPLICATION, "--host", "127.0.0.1", "--port", str(self.port)]
        # A feed that somebody listens to never ends by itself: give open connections two seconds at shutdown.
        command += ["--timeout-graceful-shutdown", "2"]
        environment = {**os.environ, **self._environment, "AMONGO_URI": self.uri}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: ASYNC220 - it only forks
                command,
                cwd=_ROOT,
                env=environment,
                stdout=log,
                stderr=log,
            )
        deadline = monotonic() + START_SECONDS
        async with httpx.AsyncClient(base_url=self.url, timeout=5.0, trust_env=False) as client:
            while True:
                if self._process.poll() is not None:
                    raise ServiceFailed(f"the service ended with {self._process.returncode}\n{self._log_end()}")
                try:
                    if (await client.get("/health")).status_code == httpx.codes.OK:
                        return
                except httpx.TransportError:
                    pass
                if monotonic() > deadline:
                    raise ServiceFailed(f"the service does not answer at {self.url}\n{self._log_end()}")
                await anyio.sleep(0.05)

    @property
    def is_running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    def kill(self) -> int:
        """SIGKILL: no goodbye, no flush. Gives the process's exit code, which says so."""
        if self._process is None:
            raise ServiceFailed("the service was not started")
        self._process.kill()
        return self._process.wait()

    def stop(self) -> None:
        """Let it close its store and end; kill it if it takes too long. Safe to call twice."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _log_end(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])
