"""Fakes of every port, and tiny media made on the spot; for the tests of Sensorium and of its users."""
