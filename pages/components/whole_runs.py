"""What a run of a page has drawn reaches the browser, also where a live part of the page begins another run at once.

Streamlit 1.67 hands a beat that comes just after a run's end to a new runner and from then on ignores the former one,
whose last messages may still be on their way. On a busy server that was the lower half of the page: a new image's
number stood above the decision on the image before, and nothing ever drew it anew. Here a runner that has come to its
end is heard to its end. Its messages were all sent before the new one existed, so their order stays.
"""

from __future__ import annotations

from functools import wraps
from typing import Any

from streamlit.runtime.app_session import AppSession
from streamlit.runtime.scriptrunner import ScriptRunnerEvent


def keep_runs_whole() -> None:
    """Do so in this process from now on; a second call changes nothing."""
    create, handle = AppSession._create_scriptrunner, AppSession._handle_scriptrunner_event_on_event_loop
    if hasattr(create, "__wrapped__"):
        return

    @wraps(create)
    def with_the_former(self: Any, data: Any) -> None:
        former = self._scriptrunner
        if not data.fragment_id:  # a full run draws everything anew
            self._heard_out = []
        elif former is not None and not former._execing:
            self._heard_out = [*getattr(self, "_heard_out", []), former]
        create(self, data)

    @wraps(handle)
    def hear_out(self: Any, sender: Any, event: ScriptRunnerEvent, *more: Any, **named: Any) -> None:
        heard_out, now = getattr(self, "_heard_out", []), self._scriptrunner
        if sender is None or sender not in heard_out:
            handle(self, sender, event, *more, **named)
        elif event == ScriptRunnerEvent.SHUTDOWN:  # its last; what it would settle is the new runner's to settle
            heard_out.remove(sender)
        else:
            self._scriptrunner = sender
            try:
                handle(self, sender, event, *more, **named)
            finally:
                self._scriptrunner = now

    AppSession._create_scriptrunner = with_the_former  # type: ignore[method-assign, assignment]
    AppSession._handle_scriptrunner_event_on_event_loop = hear_out  # type: ignore[method-assign, assignment]
