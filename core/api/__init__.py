"""The HTTP interface of readings: see docs/api.md. Starlette alone; no Streamlit, no store but its journal."""
