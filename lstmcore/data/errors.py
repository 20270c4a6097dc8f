"""The error of all that reads and prepares data."""


class DataError(ValueError):
    """Error in users' data; the message is one line and says what to do."""
