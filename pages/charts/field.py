"""A whole field with the boxes of its cells, numbered, in the colour of what was decided on them."""

from __future__ import annotations

from typing import Final

import pandas as pd
import plotly.graph_objects as go

from pages.charts import palette

TALLEST: Final = 620  # px
COLUMN: Final = 790  # px: width of the figure on a wide page
KINDS: Final = {  # kind -> (colour, dash, words)
    "unread": (palette.SERIES[2], "solid", "not read"),
    "class": (palette.ACCENT, "solid", "one class"),
    "set": (palette.WARM, "dash", "two classes"),
    "refer": (palette.BAD, "dot", "referred to an expert"),
}


def field_figure(picture: str, width: int, height: int, boxes: pd.DataFrame) -> go.Figure:
    """The image with its boxes; a rectangle drawn on it is a selection.

    Args:
        picture: the field as a data URL.
        width, height: of the field (px), whatever the picture measures.
        boxes: columns number, x, y, width, height (px of the field), kind (a key of KINDS), words.
    """
    figure = go.Figure()
    figure.add_layout_image(
        source=picture, xref="x", yref="y", x=0, y=0, sizex=width, sizey=height, sizing="stretch", layer="below"
    )
    for kind, (colour, dash, words) in KINDS.items():
        rows = boxes[boxes["kind"] == kind]
        for row in rows.to_dict("records"):
            left, top = float(row["x"]), float(row["y"])
            figure.add_shape(
                type="rect", x0=left, y0=top, x1=left + float(row["width"]), y1=top + float(row["height"]),
                line={"color": colour, "width": 3, "dash": dash},
            )  # fmt: skip
            figure.add_annotation(
                x=left, y=top, text=f"<b>{row['number']}</b>", showarrow=False, xanchor="left", yanchor="top",
                bgcolor=colour, font={"color": "white", "size": 13}, borderpad=2,
            )  # fmt: skip
        figure.add_scatter(
            x=rows["x"] + rows["width"] / 2, y=rows["y"] + rows["height"] / 2, mode="markers", name=words,
            marker={"size": 18, "opacity": 0, "color": colour}, showlegend=False,
            customdata=rows[["number", "words"]].to_numpy(),
            hovertemplate="%{customdata[0]}: %{customdata[1]}<extra></extra>",
        )  # fmt: skip
    # Plotly draws a rectangle only where it could select a point.
    figure.add_scatter(
        x=[0, width], y=[0, height], mode="markers", marker={"opacity": 0}, hoverinfo="skip", showlegend=False
    )
    palette.finish(figure, height=min(TALLEST, round(COLUMN * height / width)), dragmode="select", hovermode="closest")
    figure.update_layout(
        margin={"l": 0, "r": 0, "t": 0, "b": 0}, newselection={"line": {"color": palette.SERIES[2], "width": 2}},
        activeselection={"fillcolor": palette.SERIES[2], "opacity": 0.2},
    )  # fmt: skip
    figure.update_xaxes(visible=False, range=[0, width], constrain="domain", constraintoward="left", automargin=False)
    figure.update_yaxes(
        visible=False, range=[height, 0], scaleanchor="x", constrain="domain", constraintoward="top", automargin=False
    )
    return palette.unfading(figure)
