"""How many connections are let in each second, where that is limited: a storm of clients that all come back at once is
then spread over time, or sent away before it costs anything.

It is off until `ingressConnectionEstablishmentRateLimiterEnabled` is set. A connection takes a token; so many come back
each second, and those of a number of seconds are kept for bursts. Where there is none a connection waits for the next,
if not too many wait already; else it is closed. Source: manual, Configure the Ingress Connection Establishment Rate
Limiter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from amongo.commands.server_parameters import INGRESS_BURST, INGRESS_LIMITED, INGRESS_QUEUE, INGRESS_RATE, PARAMETERS


class Admission:
    """Lets connections in.

    parameters   those of the server that were set, which may change
    now_s        the monotonic clock
    """

    def __init__(self, parameters: Mapping[str, Any], now_s: Callable[[], float]) -> None:
        self._parameters = parameters
        self._now_s = now_s
        self._tokens = float("inf")  # below zero: as many connections wait
        self._counted_s = now_s()

    @property
    def is_limited(self) -> bool:
        """Whether it is limited now."""
        return bool(self._value(INGRESS_LIMITED))

    def delay_s(self) -> float | None:
        """How long a connection that has come waits until it is let in; None for one that is sent away."""
        if not self.is_limited:
            self._tokens = float("inf")
            return 0.0
        rate, depth = self._value(INGRESS_RATE), self._value(INGRESS_QUEUE)
        now_s = self._now_s()
        filled = self._tokens + rate * (now_s - self._counted_s)
        self._counted_s = now_s
        self._tokens = min(filled, rate * self._value(INGRESS_BURST))
        left = self._tokens - 1
        if left < -depth:
            return None
        self._tokens = left
        return 0.0 if left >= 0 else -left / rate

    def _value(self, name: str) -> Any:
        return self._parameters.get(name, PARAMETERS[name].value)
