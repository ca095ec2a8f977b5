"""Mails that come back: what each report says, whom it concerns, what follows from it, and when sending stops."""
