"""What happened, as files for other programs: rows, and what they are written in."""
