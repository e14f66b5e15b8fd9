"""Wristbands that are made to vibrate: who is called is told by her wrist, too."""
