"""What each kind of event does to the state, one file per subject."""
