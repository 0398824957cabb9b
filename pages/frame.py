"""The frame around every page: theme, navigation, header. The only file that lists the pages."""

from pathlib import Path

import streamlit as st

from pages.components.collector import spare_modules
from pages.components.guard import report
from pages.components.pulse import every
from pages.components.shortcut_badge import STYLE
from pages.components.status import store_line

LOGO = str(Path(__file__).parent / "components" / "logo.svg")

st.set_page_config(page_title="CellAscent", page_icon=LOGO, layout="wide")
st.logo(LOGO, size="large")
page = st.navigation(
    {
        "": [
            st.Page("searches.py", title="Searches", icon=":material/list:", default=True),
            st.Page("search.py", title="Search", icon=":material/account_tree:"),
            st.Page("compare.py", title="Compare", icon=":material/compare_arrows:"),
            st.Page("evaluate.py", title="Evaluate", icon=":material/analytics:"),
            st.Page("data.py", title="Data", icon=":material/dataset:"),
            st.Page("query.py", title="Query", icon=":material/database_search:"),
        ],
        "Reading": [
            st.Page("predict.py", title="Predict", icon=":material/biotech:"),
            st.Page("batch.py", title="Batch", icon=":material/stacks:"),
            st.Page("field.py", title="Field", icon=":material/grid_view:"),
            st.Page("history.py", title="History", icon=":material/history:"),
        ],
        "What-if": [
            st.Page("whatif_search.py", title="What-if: the search", icon=":material/alt_route:"),
            st.Page("whatif_decision.py", title="What-if: the decision", icon=":material/tune:"),
            st.Page("whatif_fusion.py", title="What-if: fusion", icon=":material/join:"),
        ],
    },
    position="top",
)
st.html(STYLE)
with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
    st.title(page.title, anchor=False)
    with st.container(width="content"):
        st.fragment(store_line, run_every=every(5))()
try:
    page.run()
except Exception as error:  # a traceback must never reach the browser
    report(error)
finally:
    spare_modules()
