"""``python -m sensorium``."""

from sensorium.interfaces.cli.main import main

main()
