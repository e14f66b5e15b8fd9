"""The receiver: hears wristbands and says which frames it has heard, how strongly."""
