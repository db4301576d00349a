"""Write the lists of gaps anew from what fails now: `python -m tests.conformance.regenerate [area ...]`.

A case that is listed keeps its reason as long as it fails; one that passes leaves the list. A case that fails and is
not listed comes in with a guess: what the answer says it waits for, else "unexplained: " and the failure. The tests
refuse an unexplained gap: give it a reason, or mend it.
"""

from __future__ import annotations

import re
import sys
from collections import Counter

from tests.conformance.gap_list import Gap, matches, read_gaps, write_gaps
from tests.conformance.issues import ISSUES, issue_of
from tests.conformance.replaying import Replay, Verdict, area_names

UNEXPLAINED = "unexplained: "
_WAITING = re.compile(r"(?P<what>[^:]*) is not in amongo yet: (?P<reason>[^,]*)")


def main(arguments: list[str]) -> None:
    """Regenerate the lists of the areas that begin with one of the arguments; without one, of all."""
    areas = [area for area in area_names() if not arguments or area.startswith(tuple(arguments))]
    replay = Replay(areas)
    try:
        for area in areas:
            _regenerate(area, replay.verdicts(area))
    finally:
        replay.close()


def _regenerate(area: str, verdicts: list[Verdict]) -> None:
    listed = read_gaps(area)
    failing = [verdict for verdict in verdicts if not verdict.is_pass]
    reasons = {verdict.id: _known(listed, verdict.id) or _guess(area, verdict) for verdict in failing}
    write_gaps(area, reasons, (verdict.id for verdict in verdicts))
    counted = Counter("open" if reason.startswith(UNEXPLAINED) else "explained" for reason in reasons.values())
    print(
        f"{area:48} {len(verdicts) - len(failing):6} of {len(verdicts):6} pass, "
        f"{counted['explained']:5} gaps, {counted['open']:5} unexplained"
    )


def _known(listed: list[Gap], case: str) -> str | None:
    for gap in listed:
        if not gap.reason.startswith(UNEXPLAINED) and any(matches(pattern, case) for pattern in gap.patterns):
            return gap.reason
    return None


def _guess(area: str, verdict: Verdict) -> str:
    home = issue_of(area)
    if not ISSUES[home].is_built:
        return f"later: {home}"
    waiting = _WAITING.search(verdict.text)
    if waiting:
        for name, issue in ISSUES.items():
            if name in waiting["reason"] and not issue.is_built:
                return f"later: {name}, {waiting['reason']}"
    return UNEXPLAINED + f"{verdict.reason}, {re.sub(r'ft(db|cl)[0-9a-f]{8}', '…', verdict.text)[:90]}"


if __name__ == "__main__":
    main(sys.argv[1:])
