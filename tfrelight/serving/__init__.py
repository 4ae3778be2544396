"""What a served model answers: its signatures."""
