"""supervisord, that outlives a full disk.

Where it cannot write a log, supervisord prints the error to its standard error, and ends when it cannot write there
either: a full disk would take every service down, and nobody would be left to start them again. Here a line that
cannot be written is lost, and the services go on.
"""

from supervisor.loggers import Handler
from supervisor.supervisord import main


def _lose_the_line(_: Handler) -> None:
    """In place of the report about a line that could not be written."""


if __name__ == "__main__":
    Handler.handleError = _lose_the_line
    main()
