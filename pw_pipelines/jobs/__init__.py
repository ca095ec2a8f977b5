"""What can be started as a whole. A job is a sentence and a selection; the work itself is in assets and rooms."""
