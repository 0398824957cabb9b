"""The least that a Streamlit page with a chart can be: what every page of this kind waits for at least."""

import plotly.graph_objects as go
import streamlit as st

st.plotly_chart(go.Figure(go.Scatter(y=[0.5, 0.8, 0.9])))
