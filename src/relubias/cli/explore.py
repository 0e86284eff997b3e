"""`relubias explore`: a page in the browser on which to move the sliders of a problem."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from relubias.cli._messages import say

__all__ = ["explore"]

_SHORTEST_TOKEN = 16


def explore(
    *,
    port: int | None = None,
    browser: Annotated[bool, Parameter(negative="--no-browser")] = True,
    host: str | None = None,
    token: str | None = None,
) -> int:
    """Open a page on which to move the sliders of a problem and watch.

    Only this machine can open it, unless --host names an address that others reach; then the
    printed address holds a token that they need. Ctrl-C stops it.

    Parameters
    ----------
    port : int, optional
        Port; 8787 if omitted, 0 for any that is free.
    browser : bool, default=True
        Open the page in the browser.
    host : str, optional
        Address to listen on; this machine alone if omitted.
    token : str, optional
        Token of the page, of at least 16 letters; drawn at random if omitted.

    Returns
    -------
    int
        The exit status.
    """
    from relubias._validate import fail
    from relubias.explorer.serve import DEFAULT_PORT, serve

    if token is not None and (len(token) < _SHORTEST_TOKEN or not token.isascii()):
        remedy = f"pass {_SHORTEST_TOKEN} letters or more, or leave it away"
        raise fail("--token", "is too short or not plain text", remedy)

    def ready(address: str) -> None:
        print(address, flush=True)
        say("the explorer is at this address; press Ctrl-C to stop it")
        if browser:
            import webbrowser

            webbrowser.open(address)

    try:
        serve(
            host="127.0.0.1" if host is None else host,
            port=DEFAULT_PORT if port is None else port,
            token=token,
            say=say,
            ready=ready,
        )
    except KeyboardInterrupt:
        say("the explorer is stopped")
    return 0
