"""How a command has ended, for whoever called it."""

from typing import Final

DONE: Final = 0  # all is well
DAMAGED: Final = 1  # damage was found, something was lost, or a part was not done
IMPOSSIBLE: Final = 2  # the command could not be done
