"""``python -m sensorium``."""

from sensorium.interfaces.cli import main

main()
