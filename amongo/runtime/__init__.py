"""What the rooms need from the machine: threads, time, limits, interruption."""
