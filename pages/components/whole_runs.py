"""What a run of a page has drawn reaches the browser before a live part of the page begins another run.

Streamlit 1.67 hands a beat that comes just after a run's end to a new runner at once and then ignores what the former
one still had to say. On a busy server that was the lower half of the page: a new image's number stood above the
decision on the image before, and nothing ever drew it anew. A beat is not in a hurry, so here it waits for the former
runner's last message, which releases it.
"""

from __future__ import annotations

import logging
from functools import wraps
from typing import Any

from streamlit.runtime.app_session import AppSession, AppSessionState

WAIT_SECONDS = 0.02
log = logging.getLogger(__name__)


def keep_runs_whole() -> None:
    """Do so in this process from now on; a second call changes nothing."""
    create = AppSession._create_scriptrunner
    if hasattr(create, "__wrapped__"):
        return

    @wraps(create)
    def after_the_former(self: Any, data: Any) -> None:
        if self._scriptrunner is None or not data.fragment_id:
            create(self, data)
        else:
            self._event_loop.call_later(WAIT_SECONDS, again, self, data)

    def again(self: Any, data: Any) -> None:
        """As `AppSession.request_rerun` does for a fragment."""
        if self._state == AppSessionState.SHUTDOWN_REQUESTED or not self.has_fragment(data.fragment_id):
            return
        if self._scriptrunner is not None and self._scriptrunner.request_rerun(data):
            return
        try:
            after_the_former(self, data)
        except Exception:  # nobody else would hear of it
            log.exception("A live part could not be drawn anew")

    AppSession._create_scriptrunner = after_the_former  # type: ignore[method-assign, assignment]
